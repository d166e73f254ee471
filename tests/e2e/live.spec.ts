// Pages that nobody touches: what others change is on them a moment later, and none is ever loaded again.
import { randomUUID } from 'node:crypto';
import type { Page } from '@playwright/test';
import { apiOf, expect, HUB, setLook, test } from '#tests/support/people.ts';
import { enrol, WireAgent } from '#tests/support/wire-agent.ts';

/** Fails when the page was loaded again since. */
async function untouched(page: Page): Promise<() => Promise<void>> {
	await page.evaluate(() => Object.assign(window, { untouched: true }));
	return async () => {
		expect(await page.evaluate(() => Reflect.get(window, 'untouched') as unknown)).toBe(true);
	};
}

test('what belongs to the hub: people, groups, access, tokens, sessions, audit', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const admin = await apiOf('admin');
	const dev = await apiOf('dev');
	const look = async (who: 'admin' | 'dev', address: string) => {
		const { page } = await open(who);
		await page.goto(address);
		await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
		return { page, still: await untouched(page) };
	};
	await setLook(dev, { locale: 'en', theme: 'dark' });

	const people = await look('admin', '/admin/users');
	const groups = await look('admin', '/admin/groups');
	const audit = await look('admin', '/audit');
	const tokens = await look('dev', '/profile/tokens');
	const home = await look('dev', '/');

	const user = await admin.ok('POST', '/api/users', { username: `live-${n}`, role: 'dev', display_name: `Live ${n}` });
	await expect(people.page.getByText(`Live ${n}`)).toBeVisible();
	await expect(audit.page.locator('summary').filter({ hasText: 'user.create' }).first()).toBeVisible();

	const group = await admin.ok('POST', '/api/groups', { name: `Crew ${n}` });
	await expect(groups.page.getByRole('link', { name: `Crew ${n}` })).toBeVisible();
	const members = await look('admin', `/admin/groups/${String(group.id)}`);
	await admin.ok('PUT', `/api/groups/${String(group.id)}/members/${String(user.id)}`, {});
	await expect(members.page.getByRole('listitem').filter({ hasText: `Live ${n}` })).toBeVisible();

	const project = await admin.ok('POST', '/api/projects', { name: `Reached ${n}` });
	const settings = await look('admin', `/projects/${String(project.id)}/settings`);
	const me = await dev.get('/api/auth/me');
	await admin.ok('PUT', `/api/groups/${String(group.id)}/members/${String(me.id)}`, {});
	await admin.ok('PUT', `/api/projects/${String(project.id)}/groups/${String(group.id)}`, { access: 'read' });
	await expect(settings.page.getByLabel(`Access of Crew ${n}`, { exact: true })).toHaveValue('read');
	// A project that is new to somebody is in their list, and its own changes come from then on.
	await expect(home.page.getByRole('link', { name: `Reached ${n}` }).first()).toBeVisible();
	await admin.ok('PATCH', `/api/projects/${String(project.id)}`, { name: `Renamed ${n}` }, { 'if-match': '"v1"' });
	await expect(home.page.getByRole('link', { name: `Renamed ${n}` }).first()).toBeVisible();

	await dev.ok('POST', '/api/tokens', { name: `token ${n}`, scopes: ['read'] });
	await expect(tokens.page.getByText(`token ${n}`)).toBeVisible();
	for (const { still } of [people, groups, audit, tokens, home, members, settings]) await still();
});

test('the fleet: an agent that asks to be let in, is, comes and goes', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const { page } = await open('admin');
	await page.goto('/fleet');
	await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
	const still = await untouched(page);
	const row = page.getByRole('listitem').filter({ hasText: `wire-${n}` });
	const identity = await enrol(await apiOf('admin'), `wire-${n}`);
	await expect(row).toContainText('Offline');
	const agent = await WireAgent.connect(HUB, identity);
	await expect(row).toContainText('Online');
	agent.ws.close();
	await expect(row).toContainText('Offline');
	await still();
});

test('a run’s page that is sent rubbish comes back for its log, and does not knock without a pause', async ({
	open,
}) => {
	const admin = await apiOf('admin');
	const { job_id } = await admin.jobWith('true', { labels: { nobody: 'has-this' } });
	const run = await admin.run(job_id);
	const { page } = await open('admin');
	const begun = new Date('2026-06-01T08:00:00Z');
	await page.clock.install({ time: begun });
	let connections = 0;
	await page.routeWebSocket(/\/live\/runs\//, (ws) => {
		connections++;
		ws.send(Buffer.from([9, 9, 9]));
	});
	await page.goto(`/runs/${String(run)}`);
	await expect(page.getByText('Reconnecting… nothing is lost')).toBeVisible();
	await page.clock.pauseAt(new Date(begun.getTime() + 3_600_000));
	// From here on its clock moves by hand alone: what needs no pause would knock without end.
	const before = connections;
	for (let n = 1; n <= 4; n++) {
		const known = connections;
		await page.clock.fastForward(20_000);
		await expect.poll(() => connections).toBeGreaterThan(known);
	}
	expect(connections).toBeLessThanOrEqual(before + 5);
});
