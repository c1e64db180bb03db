import { defineTool, type Static, Type } from '../../../kit/index.ts';
import { pamErrors } from '../errors.ts';
import { findTripDay, putTripDay } from '../queries.ts';
import { Day } from '../schemas.ts';

const Stop = Type.Object(
  {
    at: Type.String({ pattern: '^([01]\\d|2[0-3]):[0-5]\\d$', description: 'When it begins, as 09:30.' }),
    what: Type.String({ minLength: 1, maxLength: 200, description: 'What the user does there.' }),
    minutes: Type.Integer({ minimum: 1, maximum: 1440, description: 'How long it takes, the way there included.' }),
  },
  { additionalProperties: false },
);
type Stop = Static<typeof Stop>;

/** The plan of a day. */
export interface Plan {
  readonly day: string;
  readonly place: string;
  readonly stops: readonly Stop[];
  /** The stops that begin before an earlier one ends. */
  readonly clashes: readonly string[];
}

function minuteOf({ at }: Stop): number {
  const [hours = 0, minutes = 0] = at.split(':').map(Number);
  return hours * 60 + minutes;
}

/** The stops that begin before an earlier one ends; the stops are in order. */
function findClashes(stops: readonly Stop[]): string[] {
  let endsAt = 0;
  const clashes: string[] = [];
  for (const stop of stops) {
    if (minuteOf(stop) < endsAt) clashes.push(`${stop.at} ${stop.what}`);
    endsAt = Math.max(endsAt, minuteOf(stop) + stop.minutes);
  }
  return clashes;
}

export const planTripDay = defineTool({
  name: 'plan_trip_day',
  description:
    'Stores the plan of a day on a trip, in place of an earlier one, and returns it in order of time, with the stops that begin before an earlier one ends. Without stops it returns the plan that is stored. It finds no places: the stops are what you and the user agreed on.',
  input: Type.Object(
    {
      day: Day,
      place: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Where the user is that day.' })),
      stops: Type.Optional(Type.Array(Stop, { minItems: 1, maxItems: 30 })),
    },
    { additionalProperties: false, dependentRequired: { stops: ['place'], place: ['stops'] } },
  ),
  writes: true,
  async run({ day, place = '', stops }, context): Promise<{ plan: Plan }> {
    if (stops === undefined) {
      const [stored] = await context.query(findTripDay, { day });
      if (stored === undefined) throw pamErrors.raise.no_plan();
      const planned = stored.stops as Stop[];
      return { plan: { ...stored, stops: planned, clashes: findClashes(planned) } };
    }
    const inOrder = stops.toSorted((a, b) => minuteOf(a) - minuteOf(b));
    await context.query(putTripDay, { day, place, stops: JSON.stringify(inOrder) });
    return { plan: { day, place, stops: inOrder, clashes: findClashes(inOrder) } };
  },
});
