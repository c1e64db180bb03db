import type { DatabaseContext } from '../database-context.ts';
import { advice, type Check, fine } from '../finding.ts';

/** Times of rows and of tokens are compared with the clocks of both; what is measured is uncertain by half a round trip. */
const SKEW_MS = 1_000;

/** Whether our clock and that of the database agree. */
export const checkClock: Check<DatabaseContext> = {
  name: 'clock',
  run({ link: { clockAheadMs, roundTripMs } }) {
    const apartMs = Math.abs(clockAheadMs);
    if (apartMs <= SKEW_MS + roundTripMs / 2) return [fine("this machine's clock agrees with that of the database")];
    const direction = clockAheadMs > 0 ? 'behind' : 'ahead of';
    return [
      advice(
        `this machine's clock is ${(apartMs / 1000).toFixed(1)} s ${direction} that of the database`,
        'Have both set by NTP (timedatectl set-ntp true); see which of them is wrong with "date -u".',
      ),
    ];
  },
};
