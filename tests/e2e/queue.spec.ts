// Runs that nobody has to watch for: they wait for an agent that drains, start by themselves, and are tried again.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { complaints, overflow } from '#tests/support/a11y.ts';
import { expect, HUB, test } from '#tests/support/people.ts';
import { enrol, WireAgent } from '#tests/support/wire-agent.ts';

test('an agent is drained: its run goes on, the next waits and says why, until it takes runs again', async ({
	open,
}) => {
	const { api, page } = await open('admin');
	const only = randomUUID().slice(0, 8);
	const { project_id, job_id } = await api.jobWith('#!/bin/sh\ntrue\n', { labels: { only } });
	const identity = await enrol(api, `drained ${only}`, { project_ids: [project_id], labels: { only } });
	const agent = await WireAgent.connect(HUB, identity, { capacity: 4 });
	await api.run(job_id);
	const first = await agent.begin();

	await page.goto('/fleet');
	await page.getByRole('link', { name: `drained ${only}` }).click();
	await page.getByRole('button', { name: 'Drain' }).click();
	await expect(page.getByRole('heading', { name: 'Draining' })).toBeVisible();
	const waits = await api.run(job_id);
	const other = await open('admin');
	await other.page.goto(`/runs/${String(waits)}`);
	await expect(other.page.getByText('Every agent that could run it takes nothing new.')).toBeVisible();
	agent.finish(first);
	expect(await api.ended(first.run_id)).toMatchObject({ status: 'success' });

	await page.getByRole('button', { name: 'Take runs again' }).click();
	const second = await agent.begin();
	expect(second.run_id).toBe(waits);
	agent.finish(second);
	await expect(other.page.getByRole('status').filter({ hasText: 'Success' })).toBeVisible();
	await agent.close();
});

test('a job starts by itself at its time, fails, and its next attempt comes by itself and succeeds', async ({
	open,
}) => {
	const { api, page } = await open('admin');
	const mark = `/tmp/uhub-e2e-${randomUUID()}`;
	const { job_id } = await api.jobWith(`#!/bin/sh\n[ -e ${mark} ] && rm ${mark} && exit 0\ntouch ${mark}; exit 3\n`);
	await page.goto(`/jobs/${String(job_id)}/edit`);
	await page.getByText('How it runs').click();
	await page.getByLabel('Try again by itself when it ends badly').check();
	await page.getByLabel('Seconds before the second, then doubled').fill('0');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page).toHaveURL(new RegExp(`/jobs/${String(job_id)}$`));
	const job = await api.get(`/api/jobs/${String(job_id)}`);
	const planned = { auto_start: true, planned_start: new Date(Date.now() + 2_000).toISOString() };
	await api.ok('PATCH', `/api/jobs/${String(job_id)}`, planned, { 'if-match': `"v${String(job.version)}"` });

	// Nobody touches the page: both runs come to it.
	const rows = page.getByRole('listitem').filter({ hasText: /#\d+/ });
	await expect(rows.filter({ hasText: 'Failed' })).toHaveCount(1);
	await expect(rows.filter({ hasText: 'Success' })).toHaveCount(1);
	const { items } = (await api.get(`/api/runs?job_id=${String(job_id)}&sort=requested_at`)) as {
		items: { id: number; attempt: number }[];
	};
	expect(items.map(({ attempt }) => attempt)).toEqual([1, 2]);
	await page.goto(`/runs/${String(items[0]?.id)}`);
	await expect(page.getByText('Planned for')).toBeVisible();
	await page.getByRole('link', { name: `followed by #${String(items[1]?.id)}` }).click();
	await expect(page.getByRole('status').filter({ hasText: 'Success' })).toBeVisible();
});

test('a run whose script is edited while it waits ends, and its page says so; run again takes what there is now', async ({
	open,
}) => {
	const { api, page } = await open('admin');
	const only = randomUUID().slice(0, 8);
	const { project_id, job_id } = await api.jobWith('#!/bin/sh\ntrue\n', { labels: { only }, start_within_s: 7200 });
	const run = await api.run(job_id);
	await page.goto(`/runs/${String(run)}`);
	await expect(page.getByText('Starts by')).toBeVisible();
	const { script_ids } = await api.get(`/api/jobs/${String(job_id)}`);
	const script = `/api/scripts/${String((script_ids as number[])[0])}`;
	const { version, name } = await api.get(script);
	await api.ok('PATCH', script, { content: '#!/bin/sh\nfalse\n' }, { 'if-match': `"v${String(version)}"` });

	const identity = await enrol(api, `late ${only}`, { project_ids: [project_id], labels: { only } });
	const agent = await WireAgent.connect(HUB, identity);
	await expect(page.getByText('What would run is not what was asked for.')).toBeVisible();
	await expect(page.getByText(`Changed since it was asked for: ${String(name)}`)).toBeVisible();
	await page.getByRole('button', { name: 'Run again' }).click();
	agent.finish(await agent.begin());
	await expect(page.getByRole('status').filter({ hasText: 'Success' })).toBeVisible();
	await agent.close();
});

test('the fleet says why an agent was turned away, until it comes in, and how much of it is in use', async ({
	open,
}) => {
	const { api, page } = await open('admin');
	const only = randomUUID().slice(0, 8);
	const { project_id, job_id } = await api.jobWith('#!/bin/sh\ntrue\n', { labels: { only } });
	const identity = await enrol(api, `other ${only}`, { project_ids: [project_id], labels: { only } });
	await page.goto(`/fleet?q=${only}`);
	const row = page.getByRole('listitem').filter({ hasText: `other ${only}` });
	await expect(row).toBeVisible();
	await expect(WireAgent.connect(HUB, identity, { v: 99 })).rejects.toThrow('protocol 99 is not understood here');
	await expect(row).toContainText('Turned away: it speaks a protocol that this hub does not');
	expect(await complaints(page)).toEqual([]);
	await page.goto(`/fleet/${String(identity.agent_id)}`);
	await expect(page.getByRole('heading', { name: 'Turned away' })).toBeVisible();
	await expect(page.getByText('protocol 99 is not understood here')).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await page.setViewportSize({ width: 360, height: 740 });
	expect(await overflow(page)).toBeLessThanOrEqual(0);
	await page.setViewportSize({ width: 1280, height: 900 });

	const agent = await WireAgent.connect(HUB, identity, { version: '0.0.9' });
	await page.goto(`/fleet?q=${only}`);
	await expect(row).not.toContainText('Turned away');
	await expect(row).toContainText('behind: the hub is');
	await api.run(job_id);
	const run = await agent.begin();
	await expect(row).toContainText('1 of 100 in use');
	agent.finish(run);
	await expect(row).toContainText('0 of 100 in use');

	// Shut out by hand, and let in again by its fingerprint.
	await page.goto(`/fleet/${String(identity.agent_id)}`);
	await expect(page.getByText('This agent is 0.0.9.')).toBeVisible();
	const closed = once(agent.ws, 'close');
	await page.getByRole('button', { name: 'Quarantine' }).click();
	await expect(page.getByText('Somebody shut it out')).toBeVisible();
	await closed;
	await page.getByRole('button', { name: 'It is the same: let it in' }).click();
	await expect(page.getByText('Somebody shut it out')).toBeHidden();
	const again = await WireAgent.connect(HUB, identity);
	await expect(page.getByRole('status').filter({ hasText: 'Online' })).toBeVisible();
	await page.getByRole('button', { name: 'Revoke' }).click();
	const revoked = once(again.ws, 'close');
	await page.getByRole('dialog').getByRole('textbox').fill(`other ${only}`);
	await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
	await revoked;
	await expect(page.getByRole('status').filter({ hasText: 'Revoked' })).toBeVisible();
});
