// A run on the hosts of an inventory, from the job's form to each host's outcome, over real sshds.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { complaints, overflow } from '#tests/support/a11y.ts';
import { expect, test } from '#tests/support/people.ts';
import { type RealAgent, realAgent } from '#tests/support/real-agent.ts';
import { noSshd, SshTown } from '#tests/support/sshd.ts';

test.skip(noSshd !== null, noSshd ?? '');

let town: SshTown;
let agent: RealAgent | undefined;
test.beforeAll(() => {
	town = new SshTown();
	mkdirSync(path.join(town.dir, 'there'));
});
test.afterAll(async () => {
	await agent?.remove();
	await town.remove();
});

test('a job is aimed at hosts, a run chooses among them, and each has its outcome and its lines', async ({ open }) => {
	const { page, api } = await open('admin');
	const hosts = await Promise.all(['127.0.0.1', '127.0.0.2', '127.0.0.3'].map((address) => town.start(address)));
	// The third is not vouched for.
	town.know(...hosts.slice(0, 2).map(({ known }) => known));
	const { project_id, job_id } = await api.jobWith(
		'#!/bin/sh\necho "hello from $UHUB_HOST"\n[ "$UHUB_HOST" != web2 ] || { echo "no room left" >&2; exit 3; }\n',
		{
			title: 'Patch hosts',
			execution_backend: 'ssh',
			execution_backend_config: { user: 'root', key_ref: `file:${town.key}` },
			parameters_schema: [{ name: 'WHERE', type: 'hosts', label: 'Where' }],
		},
	);
	const lines = hosts.map((at, i) => `web${String(i + 1)} ansible_host=${at.address} ansible_port=${String(at.port)}`);
	await api.ok('POST', `/api/projects/${String(project_id)}/inventories`, {
		source_type: 'uploaded',
		source_location: 'hosts.ini',
		content: `[web]\n${lines.join('\n')}\n[db]\ndb1\n`,
	});
	agent = await realAgent(api, {
		project_ids: [project_id],
		policy: `version: 1
projects: [${String(project_id)}]
backends: [ssh]
tools: [shell]
scripts: { uploaded: true }
secrets: { ${String(project_id)}: ['file:${town.key}'] }
ssh: { known_hosts: ${town.knownHosts}, hosts: ['127.0.0.*'], users: [root], dir: ${town.dir}/there }
`,
	});

	await page.goto(`/jobs/${String(job_id)}/edit`);
	await page.getByLabel('Inventory').selectOption('hosts.ini');
	const means = page.getByRole('status').filter({ hasText: /means/i });
	await expect(means).toContainText('Means 4 hosts:');
	await page.getByRole('textbox', { name: 'Limit' }).fill('nowhere');
	await expect(means).toContainText('That means no host');
	await page.getByRole('textbox', { name: 'Limit' }).fill('all:!db');
	await expect(means).toContainText('Means 3 hosts: web1web2web3');
	expect(await complaints(page)).toEqual([]);
	await page.setViewportSize({ width: 360, height: 740 });
	expect(await overflow(page)).toBeLessThanOrEqual(0);
	await page.setViewportSize({ width: 1280, height: 900 });
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText('all:!db')).toBeVisible();

	await page.getByRole('button', { name: 'Run now' }).click();
	const dialog = page.getByRole('dialog');
	const where = dialog.getByRole('group', { name: 'Where' });
	await expect(where).toContainText('All 3, as none is chosen');
	await where.getByLabel('web1').check();
	await expect(where).toContainText('1 of 3 chosen');
	expect(await complaints(page)).toEqual([]);
	await dialog.getByRole('button', { name: 'Run now' }).click();
	await expect(page.getByText('hello from web1')).toBeVisible();

	await page.goto(`/jobs/${String(job_id)}?run=1`);
	await dialog.getByRole('button', { name: 'Run now' }).click();
	const table = page.getByRole('list', { name: 'Hosts' });
	const row = (host: string) => table.getByRole('button').filter({ hasText: host });
	await expect(row('web1')).toContainText('Success');
	await expect(row('web2')).toContainText('Failed');
	await expect(row('web3')).toContainText('A host’s key is not known.');
	await expect(page.getByText('2 of 3 hosts failed: web2 (exit code 3), web3 (host key unknown)')).toBeVisible();

	// Only that host's lines, and all of them again.
	const log = page.getByRole('group', { name: 'Lines of the log' });
	await expect(log).toContainText('[web1] hello from web1');
	await row('web2').press('Enter');
	await expect(row('web2')).toHaveAttribute('aria-pressed', 'true');
	await expect(log).toContainText('no room left');
	await expect(log).not.toContainText('web1');
	expect(await complaints(page)).toEqual([]);
	await page.getByRole('button', { name: 'Only web2 is shown: show all hosts' }).click();
	await expect(log).toContainText('[web1] hello from web1');
	await page.setViewportSize({ width: 360, height: 740 });
	expect(await overflow(page)).toBeLessThanOrEqual(0);
});
