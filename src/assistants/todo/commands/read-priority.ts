const levels: Readonly<Record<string, string>> = {
  high: 'high',
  normal: 'normal',
  low: 'low',
  hög: 'high',
  låg: 'low',
};

/** Only where it ends what is said: "meet customers with high priority needs" has none. */
const PRIORITY = /(?:,|,? (?:with(?: a)?|med)) (?<level>high|normal|low|hög|låg) (?:priority|prioritet)$/i;

/** Takes how much an item matters, as the tools say it, off the end of what a user said. */
export function readPriority(text: string): { priority?: string; rest: string } {
  const found = PRIORITY.exec(text);
  const priority = levels[found?.groups?.level?.toLowerCase() ?? ''];
  return found === null || priority === undefined ? { rest: text } : { priority, rest: text.slice(0, found.index) };
}
