// Code and infrastructure: a commit linked to its job, an inventory as a tree, a plan as a diff, and what must not be seen.
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { complaints } from '#tests/support/a11y.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

const Rows = z.object({ items: z.array(z.object({ id: z.number(), name: z.string() })) });
const projectNamed = async (name: string) => {
	const { items } = Rows.parse(await (await apiOf('admin')).get('/api/projects?limit=200'));
	return String(items.find((one) => one.name === name)?.id);
};
const support = (name: string) => path.resolve(import.meta.dirname, '../support', name);

test('a repository, a commit of it, and the job that it is linked to', async ({ open }) => {
	const { page, faults } = await open('admin');
	await page.goto(`/projects/${await projectNamed('App')}/code`);
	await page.getByRole('button', { name: 'Add a repository' }).click();
	await page.getByLabel('Name', { exact: true }).fill('e2e-repo');
	await page.getByLabel('Address').fill('ext::sh -c id');
	await page.getByRole('button', { name: 'Create' }).click();
	await expect(page.getByText(/expected https/)).toBeVisible();
	await page.getByLabel('Address').fill('https://git.example.com/acme/e2e.git');
	await page.getByRole('button', { name: 'Create' }).click();
	await expect(page.getByRole('link', { name: 'e2e-repo' })).toBeVisible();

	await page.getByRole('button', { name: 'Add a change' }).click();
	await page.getByRole('dialog').getByLabel('Repository').selectOption('e2e-repo');
	await page.getByLabel('Hash or number').fill('0123456789abcdef');
	await page.getByRole('dialog').getByLabel('Title').fill('A change from the browser');
	await page.getByRole('dialog').getByLabel('Linked job').selectOption('Dependency audit');
	await page.getByRole('button', { name: 'Create' }).click();
	await expect(page.getByText('A change from the browser')).toBeVisible();
	await page.getByRole('link', { name: /Dependency audit/ }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Dependency audit' })).toBeVisible();
	await expect(page.getByText('A change from the browser')).toBeVisible();

	await page.goBack();
	expect(faults).toEqual([]);
	await page.getByRole('button', { name: 'Delete e2e-repo' }).click();
	await page.getByRole('dialog').getByRole('textbox').fill('e2e-repo');
	await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
	await expect(page.getByRole('dialog').getByRole('listitem').filter({ hasText: 'Changes' })).toContainText('1');
	// The browser itself writes a refusal on the console.
	await expect.poll(() => faults.splice(0)).toEqual([expect.stringContaining('409')]);
});

test('29: a repository is told of its commits by its host, with a key made on its page', async ({ open }) => {
	const admin = await apiOf('admin');
	const n = randomUUID().slice(0, 8);
	const { id: project } = await admin.ok('POST', '/api/projects', { name: `Told ${n}` });
	const repo = { provider: 'github', name: `shop ${n}`, url: 'https://github.com/acme/shop' };
	await admin.ok('POST', `/api/projects/${String(project)}/repos`, repo);
	const { page, faults } = await open('admin');
	await page.goto(`/projects/${String(project)}/code`);
	await page.getByRole('button', { name: `Changes of shop ${n}` }).click();
	await page.getByRole('button', { name: 'Make its key' }).click();
	const secret = (await page.getByTestId('hook-secret').textContent()) ?? '';
	expect(secret.length).toBeGreaterThan(30);
	const address = (await page.getByRole('dialog').locator('p.mono').first().textContent()) ?? '';
	expect(await complaints(page)).toEqual([]);
	await page.getByRole('button', { name: 'I have kept it' }).click();

	const commit = { id: randomUUID().replaceAll('-', ''), message: `Mend the basket ${n}`, author: { name: 'Mina' } };
	const body = JSON.stringify({ ref: 'refs/heads/main', commits: [commit] });
	const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
	const sent = await fetch(address, {
		method: 'POST',
		headers: { 'content-type': 'application/json', 'x-github-event': 'push', 'x-hub-signature-256': signature },
		body,
	});
	expect({ status: sent.status, body: await sent.json() }).toEqual({ status: 200, body: { taken: 1, ignored: false } });
	await expect(page.getByText(`Mend the basket ${n}`)).toBeVisible();
	await page.getByRole('button', { name: `Changes of shop ${n}` }).click();
	await expect(page.getByRole('button', { name: 'Make it anew' })).toBeVisible();
	expect(await page.content()).not.toContain(secret);
	expect(faults).toEqual([]);
});

test('an inventory is a tree to search, and hides what its names call secret', async ({ open }) => {
	const { page, faults } = await open('ops');
	await page.goto(`/projects/${await projectNamed('Infra')}/infrastructure`);
	await page.getByRole('button', { name: 'Add an inventory' }).click();
	await page.getByLabel('INI or YAML').fill('[web\nh1');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText(/^line 1/)).toBeVisible();
	// The browser itself writes the refusal on the console.
	expect(faults.filter((fault) => !fault.includes('400'))).toEqual([]);
	faults.length = 0;
	await page.getByLabel('INI or YAML').fill('[web]\nw[1:3] http_port=80\n[web:vars]\ndb_password=hunter2\n');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page).toHaveURL(/\/inventories\/\d+$/);
	await expect(page.getByText('3 hosts in 3 groups')).toBeVisible();

	await page.locator('summary', { hasText: 'web' }).click();
	await page.getByRole('link', { name: 'w2' }).click();
	await expect(page.getByText('http_port')).toBeVisible();
	await expect(page.getByText('hidden')).toBeVisible();
	expect(await page.locator('main').innerText()).not.toContain('hunter2');
	await page.getByRole('searchbox').fill('w3');
	await expect(page.getByRole('link', { name: 'w3' })).toBeVisible();
	await expect(page.getByRole('link', { name: 'w1' })).toHaveCount(0);
});

test('46: a plan shows what it does, and no secret', async ({ open }) => {
	const { page } = await open('ops');
	await page.goto(`/projects/${await projectNamed('Infra')}/infrastructure`);
	await page.getByRole('button', { name: 'Add a plan' }).click();
	await page.getByLabel('JSON of terraform show -json').fill(readFileSync(support('plans/builtin.json'), 'utf8'));
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page).toHaveURL(/\/terraform-plans\/\d+$/);
	for (const count of [/2\s+create/, /1\s+update/, /1\s+replace/, /1\s+destroy/])
		await expect(page.getByText(count).first()).toBeVisible();
	await expect(page.getByText('forces replacement')).toBeVisible();
	await expect(page.getByText('sensitive').first()).toBeVisible();
	expect(await page.locator('main').innerText()).not.toMatch(/correct horse|a new secret/);
	await page.getByRole('searchbox').fill('gone');
	await expect(page.getByText('terraform_data.gone')).toBeVisible();
	await expect(page.getByText('terraform_data.kept')).toHaveCount(0);
	await expect(page.getByText('terraform_data.changed')).toHaveCount(0);
});
