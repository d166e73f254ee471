// An incident as two people live it: what one does, the other sees without reloading; and a post-mortem both write.
import type { Page } from '@playwright/test';
import { expect, test } from '#tests/support/people.ts';

const timeline = (page: Page) => page.getByRole('region', { name: 'Timeline' });
const section = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true });

test('an incident moves before the eyes of everyone in it, and its post-mortem keeps what both write', async ({
	open,
}) => {
	const [dev, ops] = [await open('dev'), await open('ops')];
	await dev.page.goto('/incidents');
	await dev.page.getByRole('button', { name: 'Open an incident' }).click();
	const dialog = dev.page.getByRole('dialog', { name: 'Open an incident' });
	await dialog.getByLabel('Title').fill('Search answers nothing');
	await dialog.getByLabel('Project').selectOption('App');
	await dialog.getByLabel('Severity').selectOption('High');
	await dialog.getByRole('button', { name: 'Open it' }).click();
	await expect(dev.page.getByRole('heading', { level: 1, name: 'Search answers nothing' })).toBeVisible();
	const address = new URL(dev.page.url()).pathname;

	// Ops finds it at home, and takes it over; dev watches.
	await ops.page.goto('/');
	await ops.page.getByRole('link', { name: /Search answers nothing/ }).click();
	await ops.page.getByRole('button', { name: 'Acknowledge' }).click();
	await expect(timeline(dev.page).getByText('acknowledged it')).toBeVisible();
	await ops.page.getByLabel('Commander').selectOption('Olga Ops');
	await expect(dev.page.getByLabel('Commander')).toHaveValue(/\d+/);
	await dev.page.getByLabel('Add to the timeline').fill('The index is **empty** <img src=x onerror=alert(1)>');
	await dev.page.getByRole('button', { name: 'Add', exact: true }).click();
	await expect(timeline(ops.page).locator('strong', { hasText: 'empty' })).toBeVisible();
	await ops.page.getByRole('button', { name: 'Mark resolved' }).click();
	await expect(dev.page.locator('main header').getByText('Resolved')).toBeVisible();
	await expect(dev.page.getByRole('button', { name: 'Close it' })).toHaveAttribute('aria-disabled', 'true');

	// Both write; each section that only one of them changed is taken as it is, the other is asked about.
	await dev.page.getByRole('button', { name: 'Begin the post-mortem' }).click();
	await expect(section(dev.page, 'Summary')).toBeVisible();
	await ops.page.goto(`${address}/postmortem`);
	await section(ops.page, 'Impact').fill('An hour without search');
	await section(ops.page, 'Summary').fill('By ops');
	await section(dev.page, 'Summary').fill('By dev');
	await ops.page.getByRole('button', { name: 'Save' }).click();
	await expect(section(dev.page, 'Impact')).toHaveValue('An hour without search');
	await expect(dev.page.getByText('Somebody changed this section too')).toBeVisible();
	await expect(section(dev.page, 'Summary')).toHaveValue('By dev');
	await dev.page.getByRole('button', { name: 'Keep both' }).click();
	await dev.page.keyboard.press('Control+s');
	await expect(section(ops.page, 'Summary')).toHaveValue('By dev\n\nBy ops');

	await dev.page.getByLabel('New action').fill('Alert on an empty index');
	await dev.page.getByRole('button', { name: 'Add the action' }).click();
	await expect(ops.page.getByText('Alert on an empty index')).toBeVisible();
	await dev.page.getByRole('button', { name: 'Ask for review' }).click();
	await ops.page.getByRole('button', { name: 'Publish' }).click();
	await expect(dev.page.getByText('It is published and says what it says')).toBeVisible();
	await expect(section(dev.page, 'Summary')).toHaveCount(0);
});
