import { advice, type Check, fine } from '../finding.ts';

/** A thousand streams with a connection to the model each, as many clients, the pool; fewer, and a busy hour uses them up. */
const ENOUGH_FILES = 4_096;

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft: number | 'unlimited' } };
}

/** How many files and sockets a process may have open. */
export const checkOpenFiles: Check = {
  name: 'open files',
  run() {
    // Else the report looks up the names of all peers.
    Object.assign(process.report, { excludeNetwork: true });
    const { userLimits } = process.report.getReport() as Report;
    const limit = userLimits?.open_files?.soft;
    if (limit === undefined) return [fine('no limit is known on this system')];
    if (limit === 'unlimited' || limit >= ENOUGH_FILES) return [fine(`a process may have ${limit}`)];
    return [
      advice(
        `a process may have ${limit}, and every client, stream and connection is one`,
        'Raise it to 65536: "ulimit -n 65536" before the start, LimitNOFILE=65536 of a systemd unit, --ulimit nofile=65536 of Docker.',
      ),
    ];
  },
};
