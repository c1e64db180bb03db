import manifest from '../../package.json' with { type: 'json' };

/** The version of this Evenkeel. */
export const version: string = manifest.version;
