// People in Chromium: each in a browser context of their own, as if at their own machine.
import { type BrowserContextOptions, expect, type Page, test as base } from '@playwright/test';
import { Api } from './api.ts';
import { borrow, giveBack } from './browsers.ts';

export const HUB = process.env.UHUB_E2E_URL ?? '';
export const PASSWORD = process.env.UHUB_E2E_PASSWORD ?? '';
/** Every browser here lives in it, so that a time in a form is a known one. */
export const TIME_ZONE = 'Europe/Paris';

export type Username = 'admin' | 'projets' | 'dev' | 'ops';
type Look = { locale: 'en' | 'fr'; theme: 'dark' | 'light' | 'contrast' | 'terminal' };

export interface Person {
	page: Page;
	/** The same person, by program. */
	api: Api;
	/** What the page complained about: errors on the console, uncaught exceptions, breaches of the CSP, answers from 500 on. */
	faults: string[];
}

const signedIn = new Map<Username, Promise<Api>>();

/** That person at the API, signed in once for all tests of this process. */
export function apiOf(username: Username): Promise<Api> {
	const known = signedIn.get(username);
	if (known) return known;
	const made = Api.signIn(HUB, username, PASSWORD);
	signedIn.set(username, made);
	return made;
}

/** How the hub looks and speaks to that person from now on. */
export async function setLook(api: Api, look: Look): Promise<void> {
	const me = await api.get('/api/auth/me');
	if (me.locale === look.locale && me.theme === look.theme) return;
	await api.ok('PATCH', '/api/me', look, { 'if-match': `"v${String(me.version)}"` });
}

/** As Chromium says it, of a request and of a WebSocket. */
const SIGN_IN_FIRST = / 401 \(Unauthorized\)$|: HTTP Authentication failed; no valid credentials available$/;

/** Collects what the page complains about. That a stranger has to sign in is an answer, no complaint. */
export function listen(page: Page): string[] {
	const faults: string[] = [];
	page.on('console', (message) => {
		if (message.type() !== 'error' || SIGN_IN_FIRST.test(message.text())) return;
		faults.push(`console: ${message.text()} (${message.location().url})`);
	});
	page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
	page.on('response', (response) => {
		if (response.status() >= 500) faults.push(`${String(response.status())} ${response.url()}`);
	});
	return faults;
}

/** Has every page of the context tell of a breach of its Content-Security-Policy. */
const TELL_BREACHES = () => {
	document.addEventListener('securitypolicyviolation', (e) => {
		console.error(`CSP: ${e.effectiveDirective} refused ${e.blockedURI || 'inline'} (${e.sample})`);
	});
};

type Options = Omit<BrowserContextOptions, 'locale'> &
	Partial<Look> & {
		/** For what stays in a browser for good: a clock of its own, scripts added to its pages, WebSockets answered in its place. */
		alone?: boolean;
	};

/** Goes to another page of the app as by a link on the one that is open: the app stays loaded. */
export async function follow(page: Page, address: string): Promise<void> {
	await page.evaluate((to) => {
		const link = document.createElement('a');
		link.href = to;
		document.body.append(link);
		link.click();
		link.remove();
	}, address);
	await page.waitForURL(address);
}

interface Fixtures {
	/** Opens a browser for somebody who is signed in; with null, for a stranger. Faults of its pages fail the test. */
	open: (who: Username | null, options?: Options) => Promise<Person>;
}

export const test = base.extend<Fixtures>({
	open: async ({ browser }, use, test) => {
		const people: (Person & { leave: () => Promise<void> })[] = [];
		await use(async (who, { locale = 'en', theme = 'dark', alone = false, ...options } = {}) => {
			const api = who === null ? new Api(HUB) : await apiOf(who);
			const setUp: BrowserContextOptions = {
				baseURL: HUB,
				locale: locale === 'fr' ? 'fr-FR' : 'en-US',
				timezoneId: TIME_ZONE,
				viewport: { width: 1280, height: 900 },
				// What turns and breathes on a page costs a machine without a graphics card more than the page.
				reducedMotion: 'reduce',
				...options,
			};
			const newPage = async () => {
				const context = await browser.newContext(setUp);
				await context.addInitScript(TELL_BREACHES);
				return context.newPage();
			};
			// Another hub is gone when its test is over.
			const lent = !alone && setUp.baseURL === HUB;
			const page = lent ? await borrow(setUp, newPage) : await newPage();
			const context = page.context();
			if (who !== null) {
				await setLook(api, { locale, theme });
				const [name = '', value = ''] = api.cookie.split('=', 2);
				await context.addCookies([{ name, value, url: HUB, httpOnly: true, sameSite: 'Lax' }]);
			}
			const leave = () => (lent ? giveBack(page, setUp) : context.close());
			const person = { page, api, faults: listen(page), leave };
			people.push(person);
			return person;
		});
		// What it complains about once it is left is nobody's.
		const faults = people.flatMap((p) => p.faults);
		// What failed is still to have its picture taken; the browser ends with it.
		if (test.status === test.expectedStatus) for (const { leave } of people) await leave();
		expect(faults).toEqual([]);
	},
});

export { expect };
