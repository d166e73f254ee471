// The scripts a browser loads before the app can be used, compressed as they are sent: by somebody who is signed in, and
// by somebody who is not.
import { chromium } from '@playwright/test';
import { chromium as program } from '../../scripts/lib/chromium.mjs';
import { Api } from '../support/api.ts';
import { FIRST_LOAD_MAX, firstLoad } from '../support/first-load.ts';
import { startHub } from '../support/hub.ts';
import { report, round } from './measure.ts';

const hub = await startHub({ agent: false });
const browser = await chromium.launch({
	executablePath: program(),
	args: ['--no-sandbox', '--disable-background-networking'],
});
try {
	const [name = '', value = ''] = (await Api.signIn(hub.url, 'dev', hub.password)).cookie.split('=', 2);
	const signedIn = await browser.newContext();
	await signedIn.addCookies([{ name, value, url: hub.url }]);
	for (const [who, context, path] of [
		['home', signedIn, '/'],
		['sign-in', await browser.newContext(), '/sign-in'],
		['home, sent to sign in', await browser.newContext(), '/'],
	] as const) {
		const { bytes, files } = await firstLoad(await context.newPage(), hub.url + path);
		report(
			`13 scripts of the first page, ${who}`,
			`${round(bytes / 1000, 1)} kB gzip in ${String(files.length)} files`,
			`≤ ${String(FIRST_LOAD_MAX / 1000)} kB`,
			bytes <= FIRST_LOAD_MAX,
		);
	}
} finally {
	await browser.close();
	await hub.stop();
}
