const monthNames =
  'jan(?:uari)?|feb(?:ruari)?|mars?|apr(?:il)?|maj|juni?|juli?|aug(?:usti)?|sept?(?:ember)?|okt(?:ober)?|nov(?:ember)?|dec(?:ember)?';
const definiteWeekday = /(?<=(?<!\p{L})(?:mån|tis|ons|tors|fre|lör|sön)dag)en(?= den \d)/giu;
const ordinalDay = new RegExp(`(?<=(?<!\\S)\\d{1,2}):[ae](?= (?:${monthNames})(?!\\p{L}))`, 'giu');

/** Has Swedish dates in the form in which chrono knows them: "måndagen den 5:e december" as "måndag den 5 december". */
export function toPlainSwedishDates(text: string): string {
  return text.replace(definiteWeekday, '').replace(ordinalDay, '');
}
