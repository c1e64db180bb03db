export { isRefusedForGood, type Mailer, openMailer } from './mailer.ts';
