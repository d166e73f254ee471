// API tokens in Chromium: made, shown once, used by a program, seen as used, revoked.
import { complaints, overflow } from '#tests/support/a11y.ts';
import { expect, HUB, test } from '#tests/support/people.ts';

const ask = async (token: string) =>
	(await fetch(`${HUB}/api/projects`, { headers: { authorization: `Bearer ${token}` } })).status;

test('11: a token is made, shown once, used and revoked', async ({ open }) => {
	const { page, api } = await open('projets');
	for (const token of (await api.get('/api/tokens')).items as { id: number; version: number }[])
		await api.ok('DELETE', `/api/tokens/${String(token.id)}`, undefined, { 'if-match': `"v${String(token.version)}"` });

	await page.goto('/');
	await page.getByRole('button', { name: 'Account' }).click();
	await page.getByRole('menuitem', { name: 'API tokens' }).click();
	await expect(page).toHaveURL(/\/profile\/tokens$/);
	await expect(page.getByRole('heading', { name: 'No tokens yet' })).toBeVisible();

	// Without a scope nothing is made; only an admin is offered to administer.
	await page.getByRole('button', { name: 'New token' }).press('Enter');
	const dialog = page.getByRole('dialog');
	await expect(dialog.getByLabel('What it is for')).toBeFocused();
	await expect(dialog.getByLabel('Administer')).toHaveCount(0);
	expect(await complaints(page)).toEqual([]);
	await dialog.getByLabel('What it is for').fill('nightly report');
	await dialog.getByLabel('Read').uncheck();
	await dialog.getByRole('button', { name: 'Create the token' }).click();
	await expect(dialog.getByText('Choose at least one.')).toBeVisible();
	await dialog.getByLabel('Read').check();
	await dialog.getByLabel('Valid for').selectOption('30 days');
	await dialog.getByRole('button', { name: 'Create the token' }).click();

	const shown = dialog.getByTestId('token');
	await expect(shown).toHaveText(/^uhub_[\w-]{43}$/);
	expect(await complaints(page)).toEqual([]);
	await page.setViewportSize({ width: 360, height: 740 });
	expect(await overflow(page)).toBeLessThanOrEqual(0);
	await page.setViewportSize({ width: 1280, height: 900 });
	await page.keyboard.press('Escape');
	await expect(shown).toBeVisible();
	const token = (await shown.textContent()) ?? '';
	expect(await ask(token)).toBe(200);
	await dialog.getByRole('button', { name: 'I have kept it' }).click();

	const row = page.getByRole('listitem').filter({ hasText: 'nightly report' });
	await expect(row).toContainText('Expires');
	await expect(async () => {
		await page.reload();
		await expect(row).toContainText('Last used');
	}).toPass();
	expect(await page.content()).not.toContain(token);

	await row.getByRole('button', { name: 'Revoke nightly report' }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
	await expect(page.getByRole('heading', { name: 'No tokens yet' })).toBeVisible();
	expect(await ask(token)).toBe(401);
});
