// What a run asks for: described by the job, asked by a form, checked before anything starts.
import { complaints, overflow } from '#tests/support/a11y.ts';
import { expect, test } from '#tests/support/people.ts';

test('a job describes its parameters, its run asks for them, and the script gets them', async ({ open }) => {
	const { page, api } = await open('admin');
	const { project_id, job_id } = await api.jobWith(
		'#!/bin/sh\necho "release $UHUB_PARAM_VERSION to $1 ($UHUB_PARAM_COUNT) on $UHUB_PARAM_DAY"\n',
	);

	await page.goto(`/jobs/${String(job_id)}/edit`);
	const add = page.getByRole('button', { name: 'Add a parameter' });
	const parameter = (n: number) =>
		page
			.getByRole('listitem')
			.filter({ has: page.getByLabel('Name', { exact: true }) })
			.nth(n);
	await add.press('Enter');
	await parameter(0).getByLabel('Name', { exact: true }).fill('1VERSION');
	await parameter(0).getByLabel('Label').fill('Version to release');
	await parameter(0).getByLabel('Required').check();
	await add.click();
	await parameter(1).getByLabel('Name', { exact: true }).fill('COUNT');
	await parameter(1).getByLabel('Type').selectOption('Number');
	await parameter(1).getByLabel('Default').fill('50');
	await parameter(1).getByLabel('Largest').fill('10');
	await add.click();
	await parameter(2).getByLabel('Name', { exact: true }).fill('STAGE');
	await parameter(2).getByLabel('Type').selectOption('Choice');
	await parameter(2).getByLabel('Options').fill('blue\ngreen');
	await parameter(2).getByLabel('Default').selectOption('green');
	await add.click();
	await parameter(3).getByLabel('Name', { exact: true }).fill('DAY');
	await parameter(3).getByLabel('Type').selectOption('Date');
	await parameter(3).getByLabel('Default').fill('2026-12-24');
	await page.getByLabel('Arguments').fill('{{STAGE}}');
	expect(await complaints(page)).toEqual([]);
	await page.setViewportSize({ width: 360, height: 740 });
	expect(await overflow(page)).toBeLessThanOrEqual(0);
	await page.setViewportSize({ width: 1280, height: 900 });

	// What is wrong stands where it is wrong, and nothing typed is lost.
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(parameter(0)).toContainText('expected a variable name');
	await expect(parameter(1)).toContainText('Not above 10.');
	await parameter(0).getByLabel('Name', { exact: true }).fill('VERSION');
	await parameter(1).getByLabel('Default').fill('3');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page).toHaveURL(new RegExp(`/jobs/${String(job_id)}$`));

	await page.getByRole('button', { name: 'Run now' }).click();
	const dialog = page.getByRole('dialog');
	await expect(dialog.getByLabel('COUNT')).toHaveValue('3');
	await expect(dialog.getByLabel('STAGE')).toHaveValue('green');
	await expect(dialog.getByLabel('DAY')).toHaveValue('2026-12-24');
	expect(await complaints(page)).toEqual([]);
	await dialog.getByLabel('Version to release').fill('--force');
	await dialog.getByLabel('COUNT').fill('11');
	await dialog.getByRole('button', { name: 'Run now' }).click();
	await expect(dialog).toContainText('Must not start with a dash.');
	await expect(dialog).toContainText('Not above 10.');
	await dialog.getByLabel('Version to release').fill('2.4.1');
	await dialog.getByLabel('COUNT').fill('7');
	await dialog.getByLabel('DAY').fill('2027-02-28');
	await dialog.getByRole('button', { name: 'Run now' }).click();
	await expect(page.getByText('release 2.4.1 to green (7) on 2027-02-28')).toBeVisible();

	const { items } = await api.get(`/api/runs?project_id=${String(project_id)}`);
	expect(items).toHaveLength(1);
});

test('a secret is described as a variable, which the agent may not allow', async ({ open }) => {
	const { page, api } = await open('admin');
	const { job_id } = await api.jobWith('#!/bin/sh\ntrue\n');
	await page.goto(`/jobs/${String(job_id)}/edit`);
	await page.getByRole('button', { name: 'Add a parameter' }).click();
	await page.getByLabel('Name', { exact: true }).fill('TOKEN');
	await page
		.getByRole('listitem')
		.filter({ has: page.getByLabel('Name', { exact: true }) })
		.getByLabel('Type')
		.selectOption('Secret reference');
	await page.getByLabel('Default').fill('env:DEPLOY_TOKEN');
	await page.getByLabel('How scripts get it').selectOption('As a variable');
	await page.getByLabel('Name of the variable').fill('PATH');
	expect(await complaints(page)).toEqual([]);
	await page.setViewportSize({ width: 360, height: 740 });
	expect(await overflow(page)).toBeLessThanOrEqual(0);
	await page.setViewportSize({ width: 1280, height: 900 });
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page.getByLabel('Name of the variable')).toHaveAccessibleDescription(/the agent’s own/);
	await page.getByLabel('Name of the variable').fill('TF_VAR_token');
	await page.getByRole('button', { name: 'Save' }).click();
	await expect(page).toHaveURL(new RegExp(`/jobs/${String(job_id)}$`));
	expect((await api.get(`/api/jobs/${String(job_id)}`)).parameters_schema).toMatchObject([
		{ name: 'TOKEN', type: 'secret', deliver: { as: 'env', variable: 'TF_VAR_token' } },
	]);
});
