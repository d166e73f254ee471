// Every page of the app, in every theme, both languages, wide and narrow: nothing breaks, nothing is cut off, everybody
// can use it.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { complaints, overflow, scrolls, texts } from '#tests/support/a11y.ts';
import { apiOf, expect, follow, test } from '#tests/support/people.ts';

/** Each kind of page with one address of it. */
async function addresses(): Promise<Record<string, string>> {
	const admin = await apiOf('admin');
	const list = async (at: string) => ((await admin.get(at)) as { items: Record<string, unknown>[] }).items;
	const one = async (at: string, name: string, key = 'name') => {
		const found = (await list(at)).find((row) => row[key] === name);
		if (!found) throw new Error(`${at} does not list ${name}`);
		return String(found.id);
	};
	const project = await one('/api/projects?limit=200', 'App');
	const job = await one(`/api/projects/${project}/jobs?limit=200`, 'Release v2.4.0 – staging', 'title');
	const meeting = await one(`/api/projects/${project}/jobs?limit=200`, 'Sprint Planning', 'title');
	const script = await one(`/api/projects/${project}/scripts?limit=200`, 'release.sh');
	const run = async (status: string) => String((await list(`/api/runs?job_id=${job}&status=${status}`))[0]?.id);
	const agents = await list('/api/agents?limit=200');
	const agent = (status: string) => String(agents.find((a) => a.status === status)?.id);
	const infra = await one('/api/projects?limit=200', 'Infra');
	// Far from everything else, so that it holds nothing back.
	if ((await list('/api/freezes?q=Every+page')).length === 0)
		await admin.ok('POST', '/api/freezes', {
			project_id: null,
			title: 'Every page',
			reason: 'To be seen in every theme',
			start: '2040-01-10T08:00:00Z',
			end: '2040-01-12T17:00:00Z',
		});
	const webhook = async () => {
		const url = 'https://hooks.example.com/uhub';
		const [known] = await list('/api/webhooks?q=Every+page');
		const body = { project_id: null, name: 'Every page', url, events: ['run.ended'] };
		const made = known ?? (await admin.ok('POST', '/api/webhooks', body));
		if (!known) await admin.ok('POST', `/api/webhooks/${String(made.id)}/ping`, {});
		return String(made.id);
	};
	const first = async (what: string) => String((await list(`/api/projects/${infra}/${what}?sort=created_at`))[0]?.id);
	return {
		home: '/',
		'new project': '/projects/new',
		project: `/projects/${project}`,
		jobs: `/projects/${project}/jobs`,
		'new job': `/projects/${project}/jobs/new?start=2040-01-11T08:00:00Z`,
		'calendar of a project': `/projects/${project}/calendar`,
		'runs of a project': `/projects/${project}/runs`,
		code: `/projects/${project}/code`,
		infrastructure: `/projects/${infra}/infrastructure`,
		inventory: `/inventories/${await first('inventories')}?host=db-a.example.com`,
		plan: `/terraform-plans/${await first('terraform-plans')}`,
		scripts: `/projects/${project}/scripts`,
		'new script': `/projects/${project}/scripts/new`,
		settings: `/projects/${project}/settings`,
		job: `/jobs/${job}`,
		'job form': `/jobs/${job}/edit`,
		meeting: `/jobs/${meeting}`,
		script: `/scripts/${script}`,
		runs: '/runs',
		'run that succeeded': `/runs/${await run('success')}`,
		'run that failed': `/runs/${await run('failed')}`,
		month: '/calendar?view=dayGridMonth',
		week: '/calendar?view=timeGridWeek',
		list: '/calendar?view=listWeek',
		'week with a freeze': '/calendar?view=timeGridWeek&date=2040-01-10',
		fleet: '/fleet',
		freezes: '/admin/freezes?when=all',
		'agent online': `/fleet/${agent('online')}`,
		'agent offline': `/fleet/${agent('offline')}`,
		hosts: '/fleet/hosts?range=week',
		audit: '/audit',
		health: '/admin/health',
		'tokens of all': '/admin/tokens',
		webhooks: '/admin/webhooks',
		webhook: `/webhooks/${await webhook()}`,
		data: '/admin/data',
		people: '/admin/users',
		groups: '/admin/groups',
		group: `/admin/groups/${await one('/api/groups', 'Développement', 'name')}`,
		permissions: '/admin/permissions',
		profile: '/profile',
		'what one is told': '/profile/notifications',
		'second factor': '/profile/security',
		tokens: '/profile/tokens',
		incidents: '/incidents',
		'new incident': '/incidents?new=1',
		'incidents of a project': `/projects/${project}/incidents`,
		incident: `/incidents/${await one('/api/incidents', 'Payment answers 503 on staging', 'title')}`,
		'post-mortem': `/incidents/${await one('/api/incidents', 'Nightly backup filled the disk of db-1', 'title')}/postmortem`,
		setup: '/setup',
		'the API': '/api/docs',
		'an operation of the API': '/api/docs?q=run.start#run.start',
	};
}

/** The page is there: its heading, and nothing that is still being fetched. */
async function shown(page: Page): Promise<void> {
	await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
	await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
	await page.evaluate(() => document.fonts.ready);
}

/** What can be opened on a page without changing anything: folds, tabs, menus. */
const OPENERS = 'summary, [role="tab"], button[aria-expanded="false"], button[aria-haspopup]';
/** More of a kind, as the days of a month or the rows of a list, open in the same way. */
const OPENED_MAX = 12;

/** Clicks through what a page has to open. */
const openAll = (page: Page) =>
	page.locator(OPENERS).evaluateAll(async (openers, most) => {
		for (const opener of openers.filter((o) => o.checkVisibility()).slice(0, most)) {
			if (opener instanceof HTMLElement) opener.click();
			await new Promise(requestAnimationFrame);
		}
	}, OPENED_MAX);

test('every page, followed to by a link: axe finds nothing in any theme, nothing is cut off on a phone', async ({
	open,
}) => {
	// Fifty pages, each looked at six times.
	test.setTimeout(1_200_000);
	const { page } = await open('admin');
	await page.goto('/');
	for (const [name, address] of Object.entries(await addresses()))
		await test.step(name, async () => {
			await page.setViewportSize({ width: 1280, height: 900 });
			await follow(page, address);
			await shown(page);
			expect.soft(await complaints(page), `${name}, dark`).toEqual([]);
			expect.soft(await scrolls(page), `${name} scrolls twice`).toBe(0);
			for (const theme of ['light', 'contrast', 'terminal']) {
				await page.evaluate((t) => (document.documentElement.dataset.theme = t), theme);
				// Themes change colours and nothing else.
				expect.soft(await complaints(page, 'colours'), `${name}, ${theme}`).toEqual([]);
			}
			await page.evaluate((t) => (document.documentElement.dataset.theme = t), 'dark');
			for (const width of [390, 360]) {
				await page.setViewportSize({ width, height: 844 });
				await shown(page);
				expect.soft(await overflow(page), `${name}, ${String(width)} px`).toBeLessThanOrEqual(0);
			}
			expect.soft(await complaints(page, 'the rest'), `${name}, narrow`).toEqual([]);
		});

	// And a fault would have been found.
	await page.evaluate(() => {
		document.getElementById('main')?.append(document.createElement('button'));
	});
	expect(await complaints(page)).toContainEqual(expect.stringContaining('button-name'));
});

const words = (locale: string) =>
	JSON.parse(readFileSync(path.resolve(import.meta.dirname, `../../messages/${locale}.json`), 'utf8')) as Record<
		string,
		unknown
	>;

test('17: every page, loaded and clicked through: no breach of its policy, and in French it speaks French', async ({
	open,
}) => {
	test.setTimeout(480_000);
	const [en, fr] = [words('en'), words('fr')];
	expect(Object.keys(fr)).toEqual(Object.keys(en));
	const english = new Set(
		Object.entries(en).flatMap(([key, text]) => (typeof text === 'string' && text !== fr[key] ? [text] : [])),
	);
	for (const text of Object.values(fr)) if (typeof text === 'string') english.delete(text);
	// The audit names kinds of rows as the API does, in no language.
	const { items: audited } = await (await apiOf('admin')).get('/api/audit?limit=200');
	for (const { object_type } of audited as { object_type: string }[]) english.delete(object_type);
	const keys = new Set(Object.keys(en).filter((key) => key.includes('_')));

	const { page, faults } = await open('admin', { locale: 'fr' });
	const breaches = () => faults.filter((fault) => fault.includes('CSP: '));
	const policies = new Map<string, string>();
	page.on('response', (response) => {
		const type = response.headers()['content-type'] ?? '';
		if (type.startsWith('text/html')) policies.set(response.url(), response.headers()['content-security-policy'] ?? '');
	});
	for (const [name, address] of Object.entries(await addresses()))
		await test.step(name, async () => {
			await page.goto(address);
			await shown(page);
			await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
			// A choice that is called as the API calls it is in no language.
			const spoken = await page
				.locator('option')
				.evaluateAll((all) =>
					all.flatMap((o) => (o instanceof HTMLOptionElement && o.value === o.text ? [o.text] : [])),
				);
			const seen = (await texts(page)).filter((text) => !spoken.includes(text));
			expect
				.soft(
					seen.filter((text) => english.has(text)),
					`${name}: English`,
				)
				.toEqual([]);
			expect
				.soft(
					seen.filter((text) => keys.has(text)),
					`${name}: keys`,
				)
				.toEqual([]);
			expect
				.soft(
					seen.filter((text) => /\bundefined\b|\bNaN\b|\[object|Invalid Date/.test(text)),
					name,
				)
				.toEqual([]);
			await page.setViewportSize({ width: 360, height: 740 });
			expect.soft(await overflow(page), `${name}, 360 px`).toBeLessThanOrEqual(0);
			await openAll(page);
			expect.soft(breaches(), name).toEqual([]);
			await page.setViewportSize({ width: 1280, height: 900 });
		});
	expect(policies.size).toBeGreaterThan(40);
	for (const [address, policy] of policies)
		for (const rule of ["script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"])
			expect.soft(policy.split('; '), address).toContain(rule);

	// And a breach would have been heard of.
	await page.evaluate(() => {
		const script = document.createElement('script');
		script.textContent = 'window.broken = true';
		document.head.append(script);
	});
	await expect.poll(breaches).toContainEqual(expect.stringContaining('script-src-elem refused inline'));
	expect(await page.evaluate(() => Reflect.get(window, 'broken') as unknown)).toBeUndefined();
	faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes('script-src')));
});

test('the pages of strangers, and the one that is not there', async ({ open }) => {
	const stranger = await open(null);
	await stranger.page.goto('/');
	await expect(stranger.page).toHaveURL(/\/sign-in$/);
	const lost = await open('dev');
	await lost.page.goto('/projects/999999');
	await expect(lost.page.getByRole('heading', { name: 'Nothing here' })).toBeVisible();
	for (const { page } of [stranger, lost]) {
		await shown(page);
		for (const theme of ['dark', 'light', 'contrast', 'terminal']) {
			await page.evaluate((t) => (document.documentElement.dataset.theme = t), theme);
			expect.soft(await complaints(page), `${page.url()}, ${theme}`).toEqual([]);
		}
		await page.setViewportSize({ width: 360, height: 740 });
		expect.soft(await overflow(page)).toBeLessThanOrEqual(0);
	}
	await lost.page.goto('/no/such/page');
	await expect(lost.page.getByRole('heading', { name: 'Nothing here' })).toBeVisible();
	// The browser itself writes each 404 on the console.
	expect(lost.faults.filter((fault) => !fault.includes('404'))).toEqual([]);
	lost.faults.length = 0;

	// French for a browser that asks for it, and the fields find their names.
	const french = await open(null, { locale: 'fr' });
	await french.page.goto('/sign-in');
	await french.page.getByLabel('Nom d’utilisateur').fill('dev');
	await french.page.getByLabel('Mot de passe').fill('faux');
	await french.page.getByRole('button', { name: 'Se connecter' }).click();
	await expect(french.page.getByText('Nom inconnu ou mot de passe erroné.').first()).toBeVisible();
});

test('dialogs: axe finds nothing, the keyboard stays inside and comes back', async ({ open }) => {
	test.setTimeout(240_000);
	const { page } = await open('admin');
	const at = await addresses();
	const dialogs: [page: string | undefined, opener: () => Promise<void>][] = [
		[at.job, () => page.getByRole('button', { name: 'Run now' }).press('Enter')],
		[at.month, () => page.getByRole('button', { name: 'Plan', exact: true }).press('Enter')],
		[at.fleet, () => page.getByRole('button', { name: 'Enrol an agent' }).press('Enter')],
		[at.settings, () => page.getByRole('button', { name: 'New environment' }).press('Enter')],
		[at.settings, () => page.getByRole('button', { name: 'Delete the project' }).press('Enter')],
		[at.freezes, () => page.getByRole('button', { name: 'New freeze' }).press('Enter')],
		[at.home, () => page.keyboard.press('Control+k')],
		[at.home, () => page.keyboard.press('?')],
	];
	for (const [address, opener] of dialogs) {
		await page.goto(address ?? '');
		await shown(page);
		await opener();
		const dialog = page.getByRole('dialog');
		await expect(dialog).toBeVisible();
		const name = (await dialog.getAttribute('aria-label')) ?? (await dialog.innerText()).split('\n')[0];
		for (const theme of ['dark', 'light', 'contrast', 'terminal']) {
			await page.evaluate((t) => (document.documentElement.dataset.theme = t), theme);
			expect
				.soft(await complaints(page, theme === 'dark' ? 'all' : 'colours'), `${String(name)}, ${theme}`)
				.toEqual([]);
		}
		await page.setViewportSize({ width: 360, height: 740 });
		expect.soft(await overflow(page), String(name)).toBeLessThanOrEqual(0);
		await expect.soft(dialog).toBeInViewport({ ratio: 0.98 });
		await page.setViewportSize({ width: 1280, height: 900 });
		for (let tabs = 0; tabs < 25; tabs++) await page.keyboard.press('Tab');
		expect
			.soft(
				await page.evaluate(
					() => document.activeElement?.closest('dialog') !== null || document.activeElement === document.body,
				),
				`${String(name)} keeps the focus`,
			)
			.toBe(true);
		await page.keyboard.press('Escape');
		await expect(dialog).toHaveCount(0);
	}
});
