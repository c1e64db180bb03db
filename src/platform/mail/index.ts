export { inspectMailServer } from './inspect-mail-server.ts';
export { isRefusedForGood, type Mailer, openMailer } from './mailer.ts';
