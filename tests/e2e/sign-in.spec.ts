// Signing in by an identity provider, and by a second factor: the whole flow in Chromium, against a real provider.
import { base32 } from '@better-auth/utils/base32';
import { createOTP } from '@better-auth/utils/otp';
import { complaints } from '#tests/support/a11y.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { CLIENT, type IdentityProvider, startIdentityProvider } from '#tests/support/identity-provider.ts';
import { expect, test } from '#tests/support/people.ts';
import type { Page } from '@playwright/test';

test.describe.configure({ mode: 'serial' });

const PEOPLE = {
	ada: {
		name: 'Ada Lovelace',
		preferred_username: 'ada',
		email: 'ada@example.org',
		email_verified: true,
		groups: ['engine', 'platform'],
	},
	eve: { name: 'Eve', email: 'eve@example.org', email_verified: false, groups: [] },
};

let provider: IdentityProvider;
let hub: TestHub;

test.beforeAll(async () => {
	provider = await startIdentityProvider(PEOPLE);
	hub = await startHub({
		agent: false,
		env: {
			UHUB_OIDC_ISSUER: provider.issuer,
			UHUB_OIDC_CLIENT_ID: CLIENT.id,
			UHUB_OIDC_CLIENT_SECRET: CLIENT.secret,
			UHUB_OIDC_LABEL: 'Analytical SSO',
			UHUB_OIDC_ROLE_CLAIM: 'groups',
			UHUB_OIDC_ROLES: 'hub-admins=admin,platform=ops',
			UHUB_OIDC_CREATE: '1',
			UHUB_PASSWORD_SIGN_IN: 'admins',
		},
	});
	provider.serve(hub.url);
});
test.afterAll(async () => {
	await hub.stop();
	await provider.stop();
});

async function logIn(page: Page, who: string) {
	await expect(page).toHaveURL(`${provider.issuer}/login`);
	await page.getByLabel('Login').fill(who);
	await page.getByRole('button', { name: 'Log in' }).click();
}

test('somebody new comes in by the provider, with the role of their group, and sets up a second factor', async ({
	open,
}) => {
	const { page } = await open(null, { baseURL: hub.url });
	await page.goto('/fleet');
	await expect(page).toHaveURL(/\/sign-in\?next=(\/|%2F)fleet$/);
	await expect(page.getByLabel('User name')).toBeHidden();
	expect(await complaints(page)).toEqual([]);
	await page.getByRole('link', { name: 'Continue with Analytical SSO' }).click();
	await logIn(page, 'ada');
	await expect(page).toHaveURL(`${hub.url}/fleet`);
	await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
	const me = await page.evaluate(async () => (await fetch('/api/auth/me')).json() as Promise<unknown>);
	expect(me).toMatchObject({ username: 'ada', role: 'ops', email: 'ada@example.org', display_name: 'Ada Lovelace' });

	await page.goto('/profile/security');
	await page.getByRole('button', { name: 'Set up an authenticator' }).click();
	const dialog = page.getByRole('dialog', { name: 'Set up an authenticator' });
	await expect(dialog.getByRole('img', { name: 'QR code for the authenticator app' })).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	const secret = (await dialog.locator('.secret').innerText()).replaceAll(' ', '');
	await dialog.getByLabel('The code it shows').fill(await createOTP(base32.decode(secret)).totp());
	await dialog.getByRole('button', { name: 'Turn on' }).click();
	const codes = page.getByRole('dialog', { name: 'Recovery codes' });
	await expect(codes.getByRole('listitem')).toHaveCount(10);
	const code = await codes.getByRole('listitem').first().innerText();
	// They are not shown again, so the dialog does not close by a slip.
	await page.keyboard.press('Escape');
	await expect(codes).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await codes.getByLabel('I have kept them').check();
	await codes.getByRole('button', { name: 'Done' }).click();
	await expect(page.getByText('Recovery codes left')).toBeVisible();

	// The next time the provider still knows her, and the hub asks for a code.
	await page.goto('about:blank');
	await page.context().clearCookies({ name: 'uhub_session' });
	await page.goto('/profile/security');
	await page.getByRole('link', { name: 'Continue with Analytical SSO' }).click();
	await expect(page.getByRole('heading', { level: 1, name: 'One more step' })).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await page.getByRole('button', { name: 'Use a recovery code' }).click();
	await page.getByLabel('Recovery code').fill(code);
	await page.getByRole('button', { name: 'Confirm' }).click();
	await expect(page).toHaveURL(`${hub.url}/profile/security`);
	await expect(page.getByText('Recovery codes left').locator('..')).toContainText('9');
});

test('who gets no role is told why, in their language; an admin has the password, and proves it again to set up a second factor', async ({
	open,
}) => {
	const { page, faults } = await open(null, { baseURL: hub.url, locale: 'fr' });
	await page.goto('/sign-in');
	await page.getByRole('link', { name: 'Continuer avec Analytical SSO' }).click();
	await logIn(page, 'eve');
	const refusal = page.getByRole('alert').filter({ hasText: 'Aucun de vos groupes ne donne de rôle' });
	await expect(refusal).toBeVisible();
	await expect(refusal.locator('.mono')).toHaveText(/^[0-9a-f-]{36}$/);
	expect(await complaints(page)).toEqual([]);

	await page.getByText('Administrateurs : se connecter par mot de passe').click();
	await page.getByLabel('Nom d’utilisateur').fill('admin');
	await page.getByLabel('Mot de passe').fill(hub.password);
	await page.getByRole('button', { name: 'Se connecter' }).click();
	await expect(page).toHaveURL(`${hub.url}/`);

	// The admin's own language is English.
	await page.goto('/profile/security');
	await page.getByRole('button', { name: 'Set up an authenticator' }).click();
	const dialog = page.getByRole('dialog', { name: 'Set up an authenticator' });
	const password = dialog.getByLabel('Password');
	await expect(password).toBeFocused();
	expect(await complaints(page)).toEqual([]);
	await password.fill('not this one');
	await password.press('Enter');
	await expect(dialog.getByText('This password is wrong.')).toBeVisible();
	await expect(password).toHaveValue('');
	await password.fill(hub.password);
	await password.press('Enter');
	await expect(dialog.getByRole('img', { name: 'QR code for the authenticator app' })).toBeVisible();
	await expect(password).toBeHidden();
	expect(faults.splice(0)).toEqual([expect.stringContaining('400')]);
});
