// A run that is a request: set up in the settings, started from the job, its answer read as a log.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { complaints, overflow } from '#tests/support/a11y.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

test('a webhook of a project’s own is set up, signed with a key of the hub, and runs', async ({ open }) => {
	const server = createServer((request, response) => {
		request.resume().on('end', () => response.end(`deployed, as ${String(request.headers['uhub-event'])} asked\n`));
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	try {
		const admin = await apiOf('admin');
		const { id } = await admin.ok('POST', '/api/projects', { name: `Requests ${Date.now().toString(36)}` });
		const { page, faults } = await open('admin', { reducedMotion: 'reduce' });
		await page.goto(`/projects/${String(id)}/settings`);
		const form = page.locator('#execution');
		await form.getByLabel('Backend').selectOption('webhook');
		await form.getByLabel('Address').fill('https://10.0.0.1/hook');
		await form.getByLabel('Signing key').fill('env:KEY');
		await form.getByRole('button', { name: 'Save' }).click();
		await expect(form.getByLabel('Signing key')).toHaveAccessibleDescription(/hub:NAME/);
		await form.getByLabel('Signing key').fill('hub:deploy');
		await form.getByRole('button', { name: 'Save' }).click();
		await expect(form.getByLabel('Address')).toHaveAccessibleDescription(/private or local/);
		// The browser itself writes the refusal on the console.
		expect(faults.splice(0)).toEqual([expect.stringContaining('400')]);
		await form
			.getByLabel('Address')
			.fill(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/deploy?key=1`);
		await form.getByRole('button', { name: 'Save' }).click();
		await expect.poll(async () => (await admin.get(`/api/projects/${String(id)}`)).execution_backend).toBe('webhook');
		expect(await complaints(page)).toEqual([]);
		await admin.ok('PUT', `/api/projects/${String(id)}/hub-secrets/deploy`, { value: 'a key that nobody guesses' });

		const job = await admin.ok('POST', `/api/projects/${String(id)}/jobs`, { title: 'Deploy', job_type: 'ops' });
		await page.goto(`/jobs/${String(job.id)}`);
		await page.getByRole('button', { name: 'Run now' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
		await expect(page.getByText('deployed, as run.request asked')).toBeVisible();
		await expect(page.getByText('/deploy?…')).toBeVisible();
		await expect(page.getByText('The hub itself')).toBeVisible();
		expect(await complaints(page)).toEqual([]);
		await page.setViewportSize({ width: 360, height: 740 });
		expect(await overflow(page)).toBeLessThanOrEqual(0);
	} finally {
		server.close();
	}
});
