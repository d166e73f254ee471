// The browser of the tests and benchmarks.
import fs from 'node:fs';

/** Where it may be: as `CHROMIUM` says; without the parts that draw a window, which needs half the time; or whole. */
export const CHROMIUMS = [
	process.env.CHROMIUM ?? '',
	'/usr/bin/chromium-headless-shell',
	'/usr/bin/chromium',
	'/usr/bin/chromium-browser',
];

/** The first of them that is there: what Playwright launches, and names when it is not. */
export const chromium = () => CHROMIUMS.find((program) => fs.existsSync(program)) ?? 'chromium';
