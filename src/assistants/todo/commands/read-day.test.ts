import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { commands } from './commands.ts';

// A machine in another time zone reads the same.
describe.each(['UTC', 'Pacific/Auckland', 'America/New_York'])('on a machine in %s,', (zone) => {
  beforeEach(() => {
    vi.stubEnv('TZ', zone);
    expect(Intl.DateTimeFormat().resolvedOptions().timeZone).toBe(zone);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  describe.each(['00:00', '00:30', '11:59', '12:01', '23:30'])('at %s UTC,', (time) => {
    test.each([
      // A Friday, then the Saturday after it.
      ['2026-11-27', 'add call Anna on Friday', '2026-11-27'],
      ['2026-11-28', 'add call Anna on Friday', '2026-12-04'],
      ['2026-11-27', 'add call Anna on 27 November', '2026-11-27'],
      ['2026-11-28', 'add call Anna on 27 November', '2027-11-27'],
      ['2026-11-28', 'add call Anna tomorrow', '2026-11-29'],
      ['2026-11-28', 'add call Anna in 3 days', '2026-12-01'],
      ['2026-11-27', 'lägg till ring Anna på fredag', '2026-11-27'],
      ['2026-11-28', 'lägg till ring Anna på fredag', '2026-12-04'],
      ['2026-11-28', 'lägg till ring Anna den 27 november', '2027-11-27'],
      // In New York there was no such hour.
      ['2026-03-08', 'add call Anna on 8 March at 2:30am', '2026-03-08'],
    ])('on %s "%s" is for %s', (today, text, day) => {
      expect(commands.read({ text, now: new Date(`${today}T${time}:00Z`) })?.input.due_on).toBe(day);
    });
  });
});
