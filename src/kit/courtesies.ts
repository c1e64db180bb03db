const GREETINGS = /^(?:(?:hi|hello|hey|ok|okay|hej|hejsan)[,.!]?\s+)+/i;
const END_MARKS = /(?<![.!?])[.!?]+$/;
const THANKS =
  /(?:[,.!]* (?:please|pls|plz|tack(?: så mycket)?|snälla)|[,.!]+ (?:thanks(?: a lot)?|thank you(?: (?:so|very) much)?))+$/i;

/** A text without the greetings that it begins with, in English and Swedish: "hej, vad har jag att göra?" */
export function withoutGreetings(text: string): string {
  return text.replace(GREETINGS, '');
}

/** A sentence without the marks and the thanks that it ends with: "show my tasks, please!" */
export function withoutThanks(sentence: string): string {
  return sentence.replace(END_MARKS, '').replace(THANKS, '');
}
