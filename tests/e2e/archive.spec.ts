// A hub's data taken away by an administrator, and brought into another hub that is empty: in the browser, and from a terminal.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { complaints, overflow } from '#tests/support/a11y.ts';
import { Api } from '#tests/support/api.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { LogPage } from '#tests/support/log-page.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

test.describe.configure({ mode: 'serial' });

const ROOT = path.resolve(import.meta.dirname, '../..');
const PASSWORD = 'a password of the new hub';
const folder = mkdtempSync(path.join(os.tmpdir(), 'uhub-archive-'));
const file = path.join(folder, 'archive.jsonl');
const hubs: TestHub[] = [];

async function emptyHub(): Promise<TestHub> {
	const hub = await startHub({ demo: false, agent: false });
	hubs.push(hub);
	return hub;
}

test.afterAll(async () => {
	await Promise.all(hubs.map((hub) => hub.stop()));
	rmSync(folder, { recursive: true, force: true });
});

test('an administrator takes everything away; others are told whose page it is', async ({ open }) => {
	const { page } = await open('admin');
	await page.goto('/');
	await page.getByRole('navigation').getByRole('link', { name: 'Admin', exact: true }).click();
	await page.getByRole('navigation', { name: 'Admin' }).getByRole('link', { name: 'Data' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Data' })).toBeVisible();
	await expect(page.getByLabel('Logs of runs')).toBeChecked();
	const saved = page.waitForEvent('download');
	await page.getByRole('button', { name: 'Export', exact: true }).click();
	const download = await saved;
	expect(download.suggestedFilename()).toMatch(/^uhub-\d{4}-\d\d-\d\d\.jsonl$/);
	await download.saveAs(file);
	const lines = readFileSync(file, 'utf8').split('\n').length - 1;
	await expect(page.getByText('whole to its end')).toContainText(new Intl.NumberFormat('en-US').format(lines - 2));
	expect(statSync(file).size).toBeGreaterThan(100_000);
	await expect(page.getByLabel('Make a backup', { exact: true })).toContainText('npm run backup');

	const dev = await open('dev');
	await dev.page.goto('/admin/data');
	await expect(dev.page.getByText('This is for administrators')).toBeVisible();
	await expect(dev.page.getByRole('link', { name: 'Admin', exact: true })).toHaveCount(0);
});

test('an empty hub takes it at its set-up, and refuses half of it', async ({ open }) => {
	const hub = await emptyHub();
	const { page, faults } = await open(null, { baseURL: hub.url });
	await page.goto('/');
	await page.getByRole('button', { name: 'Bring an archive instead' }).click();
	expect(await complaints(page)).toEqual([]);
	const choose = page.getByLabel('Choose the archive, or drop it here');

	const text = readFileSync(file, 'utf8');
	const half = path.join(folder, 'half.jsonl');
	writeFileSync(half, text.slice(0, text.length / 2));
	await choose.setInputFiles(half);
	await expect(page.getByRole('alert')).toContainText('It was cut off: line');
	writeFileSync(half, text.replace('"kind":"Project"', '"kind":"Projekt"'));
	await page.locator('input[type=file]').setInputFiles(half);
	await expect(page.getByRole('alert')).toContainText('is of no kind that is known here');
	expect(await complaints(page)).toEqual([]);

	await page.locator('input[type=file]').setInputFiles(file);
	await expect(page.getByText('each of them checked')).toBeVisible();
	await expect(page.getByLabel('User name')).toHaveValue('admin');
	expect(await complaints(page)).toEqual([]);
	await page.setViewportSize({ width: 360, height: 740 });
	expect(await overflow(page)).toBeLessThanOrEqual(0);
	await page.setViewportSize({ width: 1280, height: 900 });
	await page.getByLabel('User name').fill('dev');
	await page.getByLabel('Password').fill(PASSWORD);
	await page.getByRole('button', { name: 'Bring it in' }).click();
	await expect(page.getByText('not as an active admin')).toBeVisible();
	await page.getByLabel('User name').fill('admin');
	await page.getByRole('button', { name: 'Bring it in' }).click();
	await expect(page.getByText('All of it is here.')).toBeVisible();
	// The browser itself writes the refusals on the console.
	expect(faults.filter((fault) => !fault.includes(' 400 '))).toEqual([]);
	faults.length = 0;
	expect(await complaints(page)).toEqual([]);

	// The same runs under the same numbers, with their logs.
	const old = await apiOf('admin');
	const { items } = (await old.get('/api/runs?status=failed&limit=1')) as {
		items: { id: number; job_title: string }[];
	};
	await page.getByRole('link', { name: 'Open the hub' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Home' })).toBeVisible();
	await page.goto(`/runs/${String(items[0]?.id)}`);
	await expect(new LogPage(page).status).toHaveText('Failed');
	const log = (await old.log(items[0]?.id ?? 0)).toString();
	const last = stripVTControlCharacters(log.trim().split('\n').at(-1) ?? '').trim();
	await expect(new LogPage(page).viewport).toContainText(last);

	// Its agents are here, without a key.
	const agents = (await old.get('/api/agents')) as { items: { id: number; status: string; name: string }[] };
	const agent = agents.items.find(({ status }) => status !== 'revoked');
	await page.goto(`/fleet/${String(agent?.id)}`);
	await expect(page.getByRole('heading', { name: 'Has to enrol again' })).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await page.goto('/audit');
	await expect(page.getByText('hub.import').first()).toBeVisible();
});

test('and from a terminal', async () => {
	const hub = await emptyHub();
	const run = (...args: string[]) =>
		promisify(execFile)(process.execPath, [path.join(ROOT, 'scripts/import.mjs'), ...args], {
			env: { PATH: process.env.PATH, UHUB_ADMIN: 'ada', UHUB_ADMIN_PASSWORD: PASSWORD },
		}).then(
			({ stdout }) => stdout,
			({ stderr }: { stderr: string }) => stderr,
		);
	expect(await run(path.join(folder, 'nothing.jsonl'), hub.url)).toContain('Nothing was imported: there is no file');
	expect(await run(file, hub.url)).toContain('Sign in as ada.');
	const ada = await Api.signIn(hub.url, 'ada', PASSWORD);
	const old = await apiOf('admin');
	const names = async (api: Api) =>
		((await api.get('/api/projects?limit=200')) as { items: { name: string }[] }).items.map(({ name }) => name);
	expect(await names(ada)).toEqual(await names(old));
	expect(await run(file, hub.url)).toContain('goes into an empty hub only');
});
