export { type Mail, type Mailer, type MailerOptions, openMailer } from './mailer.ts';
