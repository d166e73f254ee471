// An empty hub, and somebody who has never seen one: from nothing to a first run, in the browser and one terminal.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { complaints } from '#tests/support/a11y.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { LogPage } from '#tests/support/log-page.ts';
import { expect, test } from '#tests/support/people.ts';

test.describe.configure({ mode: 'serial' });

let hub: TestHub;
let home: string;
let terminal: ChildProcess | undefined;

test.beforeAll(async () => {
	home = mkdtempSync(path.join(os.tmpdir(), 'uhub-visitor-'));
	hub = await startHub({ demo: false, agent: false });
});

test.afterAll(async () => {
	if (terminal?.pid && terminal.exitCode === null) {
		const gone = once(terminal, 'exit');
		process.kill(-terminal.pid, 'SIGTERM');
		await gone;
	}
	await hub.stop();
	rmSync(home, { recursive: true, force: true });
});

/** Types the command into a terminal of the visitor's, on a machine that has nothing of uHub. */
function type(command: string): () => string {
	let output = '';
	terminal = spawn('sh', ['-c', command], {
		cwd: home,
		// A group of its own, so that all of it can be ended.
		detached: true,
		env: { HOME: home, PATH: `${path.dirname(process.execPath)}:${process.env.PATH ?? ''}` },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	for (const stream of [terminal.stdout, terminal.stderr])
		stream?.on('data', (part: Buffer) => (output += part.toString()));
	return () => output;
}

test('admin, project, agent by one copied command, hello', async ({ open }) => {
	const { page } = await open(null, { baseURL: hub.url });
	await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
	await page.goto('/');
	await expect(page.getByRole('heading', { level: 1, name: 'Set up your hub' })).toBeVisible();
	const step = (name: string) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) });
	const current = page.locator('[aria-current="step"]');

	expect(await complaints(page)).toEqual([]);

	// A password that is too short is refused where it was typed, and what was typed is kept.
	const me = step('You, the first administrator');
	await me.getByLabel('User name').fill('ada');
	await me.getByLabel('Name shown to others').fill('Ada Lovelace');
	await me.getByLabel('Password').fill('short');
	await me.getByRole('button', { name: 'Create the account' }).click();
	await expect(me.getByText('At least 12 characters.')).toBeVisible();
	await expect(me.getByLabel('User name')).toHaveValue('ada');
	await me.getByLabel('Password').fill('difference engine no. 2');
	await me.getByRole('button', { name: 'Create the account' }).click();

	await expect(step('A project')).toHaveAttribute('aria-current', 'step');
	await step('A project').getByLabel('Name').fill('Engine');
	await page.getByRole('button', { name: 'Create the project' }).click();

	await expect(step('An agent')).toHaveAttribute('aria-current', 'step');
	await current.getByRole('button', { name: 'Make the command' }).click();
	await current.getByRole('button', { name: 'Copy the command' }).click();
	await expect(current.getByRole('button', { name: 'Copied' })).toBeVisible();
	const command = await page.evaluate(() => navigator.clipboard.readText());
	expect(command).toMatch(
		/^curl -fsSO \S+ && printf %s uhe_\S+ \| node uhub-agent\.mjs enroll --hub http:\S+ --token - /,
	);
	await expect(current.getByLabel('Run this on the machine')).toHaveText(command);
	expect(await complaints(page)).toEqual([]);
	const output = type(command);

	// The hub shows the fingerprint that stands in the terminal.
	await expect(current.getByText('asks to be let in')).toBeVisible({ timeout: 30_000 });
	const fingerprint = await current.locator('code[aria-label]').getAttribute('aria-label');
	expect(fingerprint).not.toBeNull();
	expect(output()).toContain(fingerprint);
	expect(await complaints(page)).toEqual([]);
	await current.getByRole('button', { name: 'It is the same: let it in' }).click();

	await expect(step('A first run')).toHaveAttribute('aria-current', 'step', { timeout: 30_000 });
	// Who leaves now and comes back goes on here.
	await page.reload();
	await expect(step('A first run')).toHaveAttribute('aria-current', 'step');
	await current.getByRole('button', { name: 'Create the job and run it' }).click();
	await expect(page.getByText('Your hub works.')).toBeVisible({ timeout: 30_000 });
	await expect(new LogPage(page).viewport).toContainText(/hello/i);

	await page.getByRole('link', { name: 'See this run' }).click();
	await expect(new LogPage(page).status).toHaveText('Success');
	await expect(new LogPage(page).viewport).toContainText(/hello/i);
	await page.goto('/fleet');
	await expect(page.getByRole('main').getByRole('listitem').filter({ hasText: os.hostname() })).toContainText('Online');
	await page.goto('/');
	await expect(page.getByRole('link', { name: 'Engine' }).first()).toBeVisible();
});

test('whoever comes second cannot make themselves administrator', async ({ open }) => {
	const { page, api } = await open(null, { baseURL: hub.url });
	await page.goto('/setup');
	await expect(page).toHaveURL(/\/sign-in\?next=\/setup$/);
	const answer = await fetch(`${hub.url}/api/auth/setup`, {
		method: 'POST',
		headers: { origin: hub.url, 'content-type': 'application/json', 'idempotency-key': 'second' },
		body: JSON.stringify({ username: 'eve', password: 'a-password-of-eve', display_name: null, locale: 'en' }),
	});
	expect(answer.status).toBe(409);
	expect(api.cookie).toBe('');

	// 18: nor does the way in lead out of the hub.
	await page.goto('/sign-in?next=//evil.example/');
	await page.getByLabel('User name').fill('ada');
	await page.getByLabel('Password').fill('wrong password');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page.getByText('Unknown name or wrong password.').first()).toBeVisible();
	await page.getByLabel('Password').fill('difference engine no. 2');
	await page.getByRole('button', { name: 'Sign in' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Home' })).toBeVisible();
	expect(new URL(page.url()).origin).toBe(hub.url);
});
