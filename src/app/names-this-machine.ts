const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Whether a URL itself says that it leads to this machine, so that nobody can mean another one. */
export function namesThisMachine({ hostname }: URL): boolean {
  return LOOPBACK.test(hostname);
}
