/** Everything that users are told of. What they prefer is kept by kind, and the interface's description lists them. */
export const notificationKinds = {
  welcome: 'The account is ready.',
  referral_joined: 'Somebody signed up with your code.',
  referral_rewarded: 'You were rewarded for a referral.',
} as const;

/** A kind of notification. */
export type NotificationKind = keyof typeof notificationKinds;
