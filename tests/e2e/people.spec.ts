// People, groups and who reaches what, as an administrator and the person concerned live it.
import { randomUUID } from 'node:crypto';
import { complaints } from '#tests/support/a11y.ts';
import { apiOf, expect, HUB, test } from '#tests/support/people.ts';

test('4: an administrator brings somebody new into a project; deactivated, they are led out at once', async ({
	open,
}) => {
	const n = randomUUID().slice(0, 8);
	const username = `new-${n}`;
	const admin = await apiOf('admin');
	const { id: project } = await admin.ok('POST', '/api/projects', { name: `Reached ${n}` });
	const { page } = await open('admin');

	await page.goto('/admin/users');
	await page.getByRole('button', { name: 'New person' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByLabel('User name').fill('X');
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(dialog.getByLabel('User name')).toHaveAttribute('aria-invalid', 'true');
	await dialog.getByLabel('User name').fill(username);
	await dialog.getByLabel('Name shown').fill('Nova');
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(dialog.getByText('It is shown this once.')).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	const password = (await page.getByTestId('password').textContent()) ?? '';
	await dialog.getByRole('button', { name: 'I kept it' }).click();
	await expect(dialog).toHaveCount(0);

	await page.getByRole('navigation', { name: 'Admin' }).getByRole('link', { name: 'Groups' }).click();
	await page.getByRole('button', { name: 'New group' }).click();
	await dialog.getByLabel('Name').fill(`Crew ${n}`);
	await dialog.getByRole('button', { name: 'Create' }).click();
	await expect(page.getByRole('heading', { name: `Crew ${n}` })).toBeVisible();
	await page.getByRole('combobox', { name: 'Person' }).fill('nobody-of-that-name');
	await page.getByRole('button', { name: 'Add' }).click();
	await expect(page.getByRole('combobox', { name: 'Person' })).toHaveAccessibleDescription('Nobody has this user name');
	await page.getByRole('combobox', { name: 'Person' }).fill(username);
	await page.getByRole('button', { name: 'Add' }).click();
	await expect(page.getByRole('listitem').filter({ hasText: 'Nova' })).toBeVisible();

	await page.goto(`/projects/${String(project)}/settings#access`);
	const access = page.locator('#access');
	await access.getByLabel('Group').selectOption({ label: `Crew ${n}` });
	await access.getByLabel('How far').selectOption('operate');
	await access.getByRole('button', { name: 'Give access' }).click();
	await expect(access.getByLabel(`Access of Crew ${n}`, { exact: true })).toHaveValue('operate');

	const theirs = await open(null);
	await theirs.page.goto(`${HUB}/sign-in`);
	await theirs.page.getByLabel('User name').fill(username);
	await theirs.page.getByLabel('Password', { exact: true }).fill(password);
	await theirs.page.getByRole('button', { name: 'Sign in', exact: true }).click();
	await theirs.page
		.getByRole('navigation', { name: 'Navigation' })
		.getByRole('link', { name: `Reached ${n}` })
		.click();
	await expect(theirs.page.getByRole('heading', { name: `Reached ${n}` })).toBeVisible();
	await expect(theirs.page.getByRole('link', { name: 'Admin', exact: true })).toHaveCount(0);

	await page.goto(`/admin/users?q=${username}`);
	await page.getByRole('button', { name: 'What to do with Nova' }).click();
	await page.getByRole('menuitem', { name: 'Deactivate' }).click();
	await dialog.getByRole('button', { name: 'Deactivate' }).click();
	await expect(page.getByText('Deactivated', { exact: true }).last()).toBeVisible();
	await theirs.page.waitForURL(/\/sign-in\?next=/);
});

test('in one’s profile: name, password and sessions', async ({ open }) => {
	const n = randomUUID().slice(0, 8);
	const username = `me-${n}`;
	const admin = await apiOf('admin');
	const first = `first password ${n}`;
	await admin.ok('POST', '/api/users', { username, role: 'ops', password: first });
	const enter = async (password: string) => {
		const person = await open(null);
		const { page } = person;
		await page.goto(`${HUB}/sign-in`);
		await page.getByLabel('User name').fill(username);
		await page.getByLabel('Password', { exact: true }).fill(password);
		await page.getByRole('button', { name: 'Sign in', exact: true }).click();
		await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
		return person;
	};
	const [{ page, faults }, { page: other }] = [await enter(first), await enter(first)];
	await page.goto('/profile');
	await page.getByLabel('Name shown').fill('Mira');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'Mira' })).toBeVisible();

	await page.getByLabel('Current password').fill('not this one at all');
	await page.getByLabel('New password', { exact: true }).fill(`second password ${n}`);
	await page.getByLabel('New password again').fill('something else');
	await page.getByRole('button', { name: 'Change the password' }).click();
	await expect(page.getByLabel('New password again')).toHaveAccessibleDescription('The two differ');
	await page.getByLabel('New password again').fill(`second password ${n}`);
	await page.getByRole('button', { name: 'Change the password' }).click();
	await expect(page.getByLabel('Current password')).toHaveAttribute('aria-invalid', 'true');
	expect(faults.splice(0)).toEqual([expect.stringContaining('/api/me/password')]);
	await page.getByLabel('Current password').fill(first);
	await page.getByRole('button', { name: 'Change the password' }).click();
	await expect(page.getByText('Password changed')).toBeVisible();
	await expect(page.getByText('This one')).toHaveCount(1);
	await expect(page.getByRole('button', { name: 'End all others' })).toHaveCount(0);
	await other.goto('/calendar');
	await other.waitForURL(/\/sign-in\?next=/);

	await enter(`second password ${n}`);
	await page.reload();
	await page.getByRole('button', { name: 'End all others' }).click();
	await expect(page.getByRole('button', { name: 'End all others' })).toHaveCount(0);
});
