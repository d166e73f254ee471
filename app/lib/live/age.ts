import { AGE_MAX_MS } from '#protocol/browser.ts';

/** How long ago this page may have loaded what it shows, in milliseconds; at most `AGE_MAX_MS`. Also where the machine slept meanwhile. */
export const pageAge = (): number =>
	Math.round(Math.min(AGE_MAX_MS, Math.max(performance.now(), Date.now() - performance.timeOrigin)));
