// What people are told: rings once for whom it concerns, behind the bell and by the browser, and as they chose.
import { randomUUID } from 'node:crypto';
import type { Page } from '@playwright/test';
import { complaints } from '#tests/support/a11y.ts';
import { apiOf, expect, test } from '#tests/support/people.ts';

/** Stands in for the system's own notifications, which no test can see. */
const heard = async (page: Page) => {
	await page.addInitScript(() => {
		const shown: string[] = [];
		Object.assign(window, { shown });
		class Shown extends EventTarget {
			static permission = 'granted';
			static requestPermission = () => Promise.resolve('granted');
			onclick = null;
			constructor(title: string) {
				super();
				shown.push(title);
			}
			close() {
				shown.length = 0;
			}
		}
		Object.assign(window, { Notification: Shown });
	});
};
const shownBy = (page: Page) => page.evaluate(() => (window as unknown as { shown: string[] }).shown);

test('an incident rings once for a person with two pages open, and not for who opened it', async ({ open }) => {
	const ops = await apiOf('ops');
	const admin = await open('admin', { alone: true });
	const second = await admin.page.context().newPage();
	for (const page of [admin.page, second]) {
		await heard(page);
		await page.goto('/');
		await expect(page.getByRole('button', { name: /^Notifications/ })).toBeVisible();
	}
	const { page } = admin;
	const { items } = await ops.get('/api/projects?limit=200');
	const project = (items as { id: number; name: string }[]).find(({ name }) => name === 'App');
	const title = `Checkout is down ${randomUUID().slice(0, 8)}`;
	// What is written before the page follows is no news to it: the first answer is waited for.
	await page.getByRole('button', { name: /^Notifications/ }).click();
	await expect(page.getByRole('link', { name: 'Choose what you are told' })).toBeVisible();
	await page.keyboard.press('Escape');
	const before = (await admin.api.get('/api/me/notifications')).unread as number;
	await ops.ok('POST', `/api/projects/${String(project?.id)}/incidents`, { title, severity: 'high' });

	await expect(page.getByRole('button', { name: `Notifications, ${String(before + 1)} unread` })).toBeVisible();
	await expect
		.poll(async () => [...(await shownBy(page)), ...(await shownBy(second))].filter((text) => text.includes(title)))
		.toEqual([`Incident (high): ${title}`]);
	await page.getByRole('button', { name: /^Notifications/ }).click();
	const panel = page.getByRole('dialog', { name: 'Notifications' });
	await expect(panel.getByRole('link', { name: new RegExp(title) })).toBeVisible();
	expect(await complaints(page)).toEqual([]);
	await panel.getByRole('button', { name: 'Mark all as read' }).click();
	await expect(page.getByRole('button', { name: 'Notifications', exact: true })).toBeVisible();
	await expect(second.getByRole('button', { name: 'Notifications', exact: true })).toBeVisible();
	await panel.getByRole('link', { name: new RegExp(title) }).click();
	await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
	expect(JSON.stringify(await ops.get('/api/me/notifications'))).not.toContain(title);
});

test('what one is told is chosen in one’s profile, with a webhook of one’s own', async ({ open }) => {
	const { page, api, faults } = await open('dev');
	await page.goto('/profile/notifications');
	const box = page.getByRole('checkbox', { name: 'My run ended otherwise: Here' });
	await expect(box).not.toBeChecked();
	await box.focus();
	await page.keyboard.press('Space');
	await page.getByRole('checkbox', { name: 'My run ended otherwise: E-mail' }).check();
	await page.getByRole('checkbox', { name: /^On the clocks of/ }).check();
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByText('Saved')).toBeVisible();
	const chosen = await api.get('/api/me/notification-preferences');
	expect(chosen).toMatchObject({
		channels: { 'run.ended': ['page', 'mail'] },
		quiet: { start: '22:00', end: '07:00' },
	});
	await page.reload();
	await expect(box).toBeChecked();

	await page.getByRole('button', { name: 'Try it out' }).click();
	await expect(page.getByRole('button', { name: /^Notifications, \d+ unread$/ })).toBeVisible();

	// Nothing is mailed to an address before its person has followed a link; here it cannot even be sent.
	await expect(page.getByRole('link', { name: 'Give one in your profile' })).toBeVisible();
	const { version } = await api.get('/api/auth/me');
	const email = `${randomUUID().slice(0, 8)}@example.org`;
	await api.ok('PATCH', '/api/me', { email }, { 'if-match': `"v${String(version)}"` });
	await page.reload();
	await page.getByRole('button', { name: 'Send me a link' }).click();
	await expect(page.getByText('The server cannot be reached')).toBeVisible();
	await page.goto(`/profile/notifications?confirm=${'x'.repeat(40)}`);
	await expect(page.getByText('Your address was not confirmed')).toBeVisible();
	await expect(page).toHaveURL(/\/profile\/notifications$/);
	expect(faults.splice(0)).toEqual([expect.stringContaining('/api/me/email/confirm')]);

	await page.getByLabel('Address').fill('https://hooks.example.com/me');
	await page.getByRole('button', { name: 'Create' }).click();
	expect(await page.getByTestId('webhook-secret').textContent()).toMatch(/^whsec_/);
	await page.getByRole('button', { name: 'I have kept it' }).click();
	await page.getByRole('link', { name: 'https://hooks.example.com/me' }).click();
	await expect(page.getByRole('button', { name: 'Send a ping' })).toBeVisible();
	await api.ok('PUT', '/api/me/notification-preferences', {});
	const me = await api.get('/api/auth/me');
	await api.ok('PATCH', '/api/me', { email: null }, { 'if-match': `"v${String(me.version)}"` });
});
