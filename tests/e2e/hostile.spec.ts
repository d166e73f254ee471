// What people and scripts write is shown as text, whatever it is (docs/security.md).
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { overflow } from '#tests/support/a11y.ts';
import { Gates } from '#tests/support/gates.ts';
import { LogPage } from '#tests/support/log-page.ts';
import { apiOf, expect, HUB, test } from '#tests/support/people.ts';

const gates = new Gates();
test.afterAll(() => {
	gates.remove();
});

const RUN_ME = 'hacked=1';
// Short enough for a tag.
const IMG = `<img src=x onerror=${RUN_ME}>`;
// As long as a project's name may be, and without a place to break it.
const LONG = `${IMG}${'w'.repeat(80 - IMG.length)}`;
const SCRIPT = `"><script>${RUN_ME}</script>`;

/** Nothing that was written became more than text. */
async function unharmed(page: Page): Promise<void> {
	expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
	await expect(page.locator('img[src="x"], script:not([src]), [onerror], a[href^="javascript:"]')).toHaveCount(0);
}

test('12, 13: markup in titles, names, tags, notes and parameters shows as text on every page', async ({ open }) => {
	const { page, api } = await open('admin');
	page.on('dialog', () => page.evaluate('hacked = 1'));
	const project = (await api.ok('POST', '/api/projects', { name: LONG, description: SCRIPT })).id as number;
	const environment = await api.ok('POST', `/api/projects/${String(project)}/environments`, { name: IMG, type: 'dev' });
	const { job_id } = await api.jobInProject(project, `#${SCRIPT}\necho "${IMG.replaceAll('"', '\\"')}"`, {
		title: LONG,
		description: `${SCRIPT}\n[link](javascript:alert(1))`,
		tags: [IMG],
		environment_id: environment.id,
		planned_start: new Date(Date.now() + 3_600_000).toISOString(),
		planned_end: new Date(Date.now() + 7_200_000).toISOString(),
	});
	const run = await api.run(job_id, { reason: SCRIPT, parameters: { HOSTILE: IMG } });
	await api.ended(run);
	const { script_ids } = await api.get(`/api/jobs/${String(job_id)}`);
	const [script] = script_ids as number[];

	const at = [
		'/',
		`/projects/${String(project)}`,
		`/projects/${String(project)}/jobs`,
		`/projects/${String(project)}/settings`,
		`/projects/${String(project)}/calendar?view=timeGridWeek`,
		`/projects/${String(project)}/calendar?view=listWeek`,
		`/jobs/${String(job_id)}`,
		`/jobs/${String(job_id)}/edit`,
		`/runs/${String(run)}`,
		`/scripts/${String(script)}`,
		'/runs',
		'/audit',
	];
	for (const address of at) {
		await page.goto(address);
		await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
		await expect(page.locator('[aria-busy="true"]')).toHaveCount(0);
		// Not a page that fell over, but one that shows it.
		if (address !== '/audit') await expect(page.locator('body')).toContainText(IMG);
		await unharmed(page);
		await page.setViewportSize({ width: 360, height: 740 });
		expect.soft(await overflow(page), `${address}, 360 px`).toBeLessThanOrEqual(0);
		await page.setViewportSize({ width: 1280, height: 900 });
	}
	await page.goto('/');
	await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
	await page.keyboard.press('Control+k');
	await page.keyboard.type('onerror');
	await expect(page.getByRole('dialog')).toContainText(IMG);
	await unharmed(page);
});

test('15: names with characters that cannot be seen, or that turn the text around, are refused', async ({ open }) => {
	const { page } = await open('admin');
	await page.goto('/projects/new');
	await page.getByLabel('Name').fill('gpj.\u202eexe');
	await page.getByRole('button', { name: 'Create the project' }).click();
	await expect(page.getByText('Holds characters that cannot be seen.')).toBeVisible();
	await expect(page).toHaveURL(/\/projects\/new$/);
});

test('12, 14: lines of a log are text: markup, links, titles and turns of direction do nothing', async ({ open }) => {
	const { page, api } = await open('admin');
	const { job_id } = await api.jobWith(
		[
			`cat <<'END'\n${IMG}\n${SCRIPT}\nEND`,
			"printf '\\033]8;;javascript:alert(1)\\033\\\\click me\\033]8;;\\033\\\\\\n'",
			"printf '\\033]0;hacked\\007after the title\\n'",
			"printf '\\033P1$r\\033\\\\after the DCS\\n'",
			"printf '\\033[2J\\033[10Aafter the jump\\n'",
			"printf 'user \\342\\200\\256nimda\\342\\200\\254 end\\n'",
			// Arrives in two pieces, which must not become whole again.
			`printf '\\033]8;;https://evil.example/'; ${gates.wait('half')}; printf '\\033\\\\cut in two\\n'`,
			"printf 'bell\\007 null\\000 backspace\\010\\n'",
		].join('\n'),
		{ title: 'Hostile log' },
	);
	const run = await api.run(job_id);
	await page.goto(`/runs/${String(run)}`);
	const log = new LogPage(page);
	await expect(log.text(8)).toContainText('evil.example');
	gates.open('half');
	await expect(log.status).toHaveText('Success');

	const expected = [
		IMG,
		SCRIPT,
		'click me',
		'after the title',
		'after the DCS',
		'after the jump',
		'user ‹U+202E›nimda‹U+202C› end',
		'cut in two',
		'bell␇ null␀ backspace␈',
	];
	expect(await log.read(expected.length)).toEqual(expected);
	await expect(log.viewport.locator('a')).toHaveCount(0);
	await unharmed(page);
	// The same from storage as it was live, and what was found in it.
	await page.reload();
	expect(await log.read(expected.length)).toEqual(expected);
	await log.search('onerror');
	await expect(log.row(1).locator('mark')).toHaveText('onerror');
	await unharmed(page);
});

test('16, 19, 21: what protects a page and a log goes with them', async ({ open }) => {
	const { page, api } = await open('admin');
	const { job_id } = await api.jobWith(`printf '<script>${RUN_ME}</script>'`);
	const run = await api.run(job_id);
	await api.ended(run);

	for (const address of ['/', `/runs/${String(run)}`, '/sign-in', '/api/health', '/api/runs', '/api/nothing']) {
		const { headers } = await fetch(HUB + address, { headers: { cookie: api.cookie } });
		expect(headers.get('content-security-policy'), address).toContain("frame-ancestors 'none'");
		expect(headers.get('content-security-policy'), address).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline/);
		expect(headers.get('x-content-type-options'), address).toBe('nosniff');
		expect(headers.get('x-frame-options'), address).toBe('DENY');
		expect(headers.get('referrer-policy'), address).toBe('same-origin');
		expect(headers.get('cache-control'), address).toMatch(address.startsWith('/api/') ? /no-store/ : /must-revalidate/);
	}
	const raw = await fetch(`${HUB}/api/runs/${String(run)}/log`, { headers: { cookie: api.cookie } });
	expect(raw.headers.get('content-type')).toBe('text/plain; charset=utf-8');
	expect(raw.headers.get('content-disposition')).toMatch(/^attachment; /);
	expect(raw.headers.get('content-security-policy')).toContain('sandbox');
	expect(raw.headers.get('x-content-type-options')).toBe('nosniff');
	expect(await raw.text()).toBe(`<script>${RUN_ME}</script>`);

	// Opened as a page it is downloaded instead.
	await page.goto(`/runs/${String(run)}`);
	const [download] = await Promise.all([
		page.waitForEvent('download'),
		page.evaluate((at) => (location.href = at), `/api/runs/${String(run)}/log`),
	]);
	expect(download.suggestedFilename()).toBe(`run-${String(run)}.log`);
	await unharmed(page);
});

test('16: another site cannot frame a page of the hub', async ({ browser }) => {
	const context = await browser.newContext();
	const [name = '', value = ''] = (await apiOf('admin')).cookie.split('=', 2);
	await context.addCookies([{ name, value, url: HUB }]);
	const page = await context.newPage();
	const evil = createServer((_, answer) => {
		answer.setHeader('content-type', 'text/html').end(`<iframe src="${HUB}/" title="prey"></iframe>`);
	}).listen(0, '127.0.0.1');
	await once(evil, 'listening');
	await page.goto(`http://127.0.0.1:${String((evil.address() as AddressInfo).port)}/`);
	// What the browser shows instead of a page that may not be framed.
	await expect.poll(() => page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/');
	evil.close();
	await context.close();
});
