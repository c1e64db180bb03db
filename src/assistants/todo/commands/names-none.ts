const wordsOf = (...lines: readonly string[]): ReadonlySet<string> => new Set(lines.join(' ').split(' '));

/** Words that say which one of those that were talked about: only who heard that knows which it is. */
const pointers = wordsOf(
  "all the my a an one two three another both this that these those it its it's of whole",
  'first second third last next previous top bottom latest oldest newest other',
  "done completed finished overdue old new todays today's tomorrows tomorrow's",
  'alla den det de min mina en hela två tre båda',
  'första andra tredje sista senaste nästa översta nedersta klara gamla ny nya dagens morgondagens',
);

/** What such words may stand before, and what is no item alone either. */
const others = wordsOf(
  "i we you he she they them who whos who's which some many most much more few none half lot lots little enough plenty",
  'everything anything something nothing everyone everybody someone somebody nobody',
  'item items task tasks todo todos thing things one ones stuff list account profile data history chat conversation',
  'day week month year for up early here already wrong well',
  'jag vi du ni hon han vem dem detta dessa vilken vissa några ingen inget ingenting något någonting allt alltihop',
  'mesta flesta mycket mer lite nog hälften uppgift uppgiften uppgifter uppgifterna sak saken saker sakerna',
  'lista listan konto kontot dagen veckan månaden året här där fel',
);

const NUMBER = /^#?\d+$/;

/** "Item 2", and what asks which are meant. */
const NUMBERED_OR_ASKED = /^(?:(?:number|nr|nummer|punkt|item|task) ?#?\d+|what(?:'?s| is) (?:done|finished|left))$/;

/** Whether what was said names no item: "it", "everything", "the last one", "both", "a new task", "2", "my account". */
export function namesNone(said: string): boolean {
  const words = said.toLowerCase().split(' ');
  const named = words.findIndex((word) => !pointers.has(word) && !NUMBER.test(word));
  if (named === -1) return true;
  const rest = words.slice(named).join(' ');
  return others.has(rest) || NUMBERED_OR_ASKED.test(rest);
}
