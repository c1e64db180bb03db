import { escapeHtml } from '../../base/escape-html.ts';

/** A notification as a message: plain text, and HTML that every mail reader shows. */
export function renderMail({ title, body }: { title: string; body: string }): {
  subject: string;
  text: string;
  html: string;
} {
  const paragraphs = body.split(/\n{2,}/).map((text) => `<p>${escapeHtml(text).replaceAll('\n', '<br>')}</p>`);
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title></head>
<body style="margin:0;padding:24px;background:#f4f5f7;color:#1c2430;font:16px/1.5 -apple-system,Segoe UI,Roboto,sans-serif">
<div style="max-width:560px;margin:0 auto;padding:24px 32px;background:#fff;border-radius:8px">
<h1 style="margin:0 0 16px;font-size:20px">${escapeHtml(title)}</h1>
${paragraphs.join('\n')}
</div>
</body>
</html>
`;
  return { subject: title, text: `${title}\n\n${body}\n`, html };
}
