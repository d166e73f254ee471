// A run in a container and one in a cluster, from the form of a job to the image that its page names.
import { complaints, overflow } from '#tests/support/a11y.ts';
import { Dockerd, noDockerd } from '#tests/support/dockerd.ts';
import { Kubernetes } from '#tests/support/fake-kubernetes.ts';
import { noCluster } from '#tests/support/in-cluster.ts';
import { expect, test } from '#tests/support/people.ts';
import { realAgent } from '#tests/support/real-agent.ts';

const SCRIPT = '#!/bin/sh\necho "hello from $HOME"\n';
const policyFor = (project_id: number, backend: string) => `version: 1
projects: [${String(project_id)}]
backends: [${backend}]
tools: [shell]
scripts: { uploaded: true }
`;

test('in a container of a real engine', async ({ open }) => {
	test.skip(noDockerd !== null, noDockerd ?? '');
	const { page, api } = await open('admin');
	const engine = await Dockerd.start();
	const { project_id, job_id } = await api.jobWith(SCRIPT, { title: 'Build' });
	const agent = await realAgent(api, {
		project_ids: [project_id],
		policy: `${policyFor(project_id, 'docker')}docker: { socket: ${engine.socket}, images: [uhub-test] }\n`,
	});
	try {
		await page.goto(`/jobs/${String(job_id)}/edit`);
		await page.getByLabel('Backend').selectOption('docker');
		await page.getByRole('textbox', { name: 'Image' }).fill('uhub-test:1');
		await page.getByRole('button', { name: 'Save' }).click();
		await page.getByRole('button', { name: 'Run now' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
		await expect(page.getByText('hello from /uhub/work')).toBeVisible();
		await expect(page.getByRole('definition').filter({ hasText: 'docker.io/library/uhub-test:1' })).toBeVisible();
		expect(await complaints(page)).toEqual([]);
		await page.setViewportSize({ width: 360, height: 740 });
		expect(await overflow(page)).toBeLessThanOrEqual(0);
	} finally {
		await agent.remove();
		await engine.remove();
	}
});

test('in a cluster of the project, chosen by its name', async ({ open }) => {
	test.skip(noCluster !== null, noCluster ?? '');
	const { page, api } = await open('admin');
	const cluster = await Kubernetes.start();
	const { project_id, job_id } = await api.jobWith(SCRIPT, { title: 'Roll out' });
	await api.ok('POST', `/api/projects/${String(project_id)}/clusters`, { name: 'lab', kubeconfig_ref: 'env:KUBE' });
	const agent = await realAgent(api, {
		project_ids: [project_id],
		env: { KUBE: cluster.kubeconfig() },
		policy: `${policyFor(project_id, 'k8s')}secrets: { ${String(project_id)}: ['env:KUBE'] }
k8s: { namespaces: [${Kubernetes.namespace}], images: ['registry.test/*'] }
`,
	});
	try {
		await page.goto(`/jobs/${String(job_id)}/edit`);
		await page.getByLabel('Backend').selectOption('k8s');
		await expect(page.locator('datalist option[value="lab"]')).toBeAttached();
		await page.getByLabel('Cluster').fill('lab');
		await page.getByLabel('Namespace').fill(Kubernetes.namespace);
		await page.getByRole('textbox', { name: 'Image' }).fill('registry.test/tool:1');
		expect(await complaints(page)).toEqual([]);
		await page.getByRole('button', { name: 'Save' }).click();
		await page.getByRole('button', { name: 'Run now' }).click();
		await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
		await expect(page.getByText(/^hello from /)).toBeVisible();
		await expect(page.getByRole('definition').filter({ hasText: 'registry.test/tool:1@sha256:' })).toBeVisible();
	} finally {
		await agent.remove();
		await cluster.stop();
	}
});
