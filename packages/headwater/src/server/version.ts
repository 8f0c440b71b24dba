/** Our own version; a test keeps it equal to package.json's. (A library that loads with import and require cannot read that file.) */

/** Semver of this package. */
export const VERSION = '0.1.0'
