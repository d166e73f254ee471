import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lines, Rotated, StepLog } from '#agent/executors/k8s/step-log.ts';
import { jobOf } from '#agent/executors/k8s/manifest.ts';
import type { Output } from '#agent/executors/contract.ts';
import { K8sPolicy, k8sRefusal, type K8sSpec, quantity } from '#agent/policy/k8s.ts';

const config: K8sSpec = {
	cluster: 'c',
	kubeconfig_ref: 'env:KUBE',
	api_server_url: null,
	namespace: 'runs',
	image: 'registry.test/tool:1',
};

describe('what a node says', () => {
	const at = (n: number) => `2026-01-02T03:04:${String(n).padStart(2, '0')}.000000001Z`;

	it('is given on once, however it is cut and however often it is asked for again', async () => {
		const lines = fc.array(fc.tuple(fc.nat(5), fc.stringMatching(/^[a-z ]{0,8}$/)), { minLength: 1, maxLength: 12 });
		await fc.assert(
			fc.asyncProperty(
				lines,
				fc.array(fc.nat(200), { maxLength: 4 }),
				fc.integer({ min: 1, max: 9 }),
				async (all, cuts, size) => {
					let second = 0;
					const log = all.map(([step, text]) => ({ at: (second = Math.min(59, second + step)), text: `${text}\n` }));
					let said = '';
					const output = {
						write: (_: number, bytes: Buffer) => void (said += bytes.toString()),
						note: (_: number, text: string) => void (said += text),
					} as unknown as Output;
					let found = '';
					const step = new StepLog(output, null, (time) => {
						found = time;
						return Promise.resolve();
					});
					for (const cut of [...cuts, Infinity]) {
						const since = step.since === null ? 0 : Number(step.since.slice(17, 19));
						const bytes = Buffer.from(
							log.flatMap((line) => (line.at >= since ? [`${at(line.at)} ${line.text}`] : [])).join(''),
						).subarray(0, cut);
						const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
							bytes.subarray(n * size, (n + 1) * size),
						);
						await step.take(
							(async function* () {
								yield* pieces;
								await Promise.resolve();
							})(),
						);
					}
					expect(said).toBe(log.map(({ text }) => text).join(''));
					expect(found).toBe(at(log[0]?.at ?? 0));
				},
			),
		);
	});

	it('is no log where it has no time before it, and not the one that began where that is another', async () => {
		expect(() => [...new Lines().push(Buffer.from('unable to retrieve container logs for containerd://1'))]).toThrow(
			'no log',
		);
		const step = new StepLog({} as Output, at(1), () => Promise.resolve());
		const answer = (async function* () {
			yield await Promise.resolve(Buffer.from(`${at(2)} later\n`));
		})();
		await expect(step.take(answer)).rejects.toThrow(Rotated);
	});
});

describe('44: the policy for clusters', () => {
	it('44: allows nothing that it does not name', () => {
		expect(k8sRefusal(config, null)).toContain('(k8s)');
		expect(k8sRefusal(config, K8sPolicy.parse({}))).toContain('k8s.namespaces');
		expect(k8sRefusal(config, K8sPolicy.parse({ namespaces: ['runs'] }))).toContain('k8s.images');
		const strict = K8sPolicy.parse({ namespaces: ['runs'], images: ['*'], digest_required: true });
		expect(k8sRefusal(config, strict)).toContain('k8s.digest_required');
	});

	it('44: compares amounts, however they are written', () => {
		expect(['250m', '1.5', '512Mi', '1Gi', '1G'].map(quantity)).toEqual([0.25, 1.5, 2 ** 29, 2 ** 30, 1e9]);
		const policy = K8sPolicy.parse({ namespaces: ['runs'], images: ['*'], max: { cpu: '1500m', memory: '1Gi' } });
		expect(k8sRefusal({ ...config, limits: { cpu: '1.5', memory: '1024Mi' } }, policy)).toBeNull();
		expect(k8sRefusal({ ...config, limits: { cpu: '1.501' } }, policy)).toContain('k8s.max.cpu');
		expect(k8sRefusal({ ...config, requests: { memory: '2G' } }, policy)).toContain('k8s.max.memory');
	});

	it('40: no value is put in the place of what looks like a variable', () => {
		const task = {
			name: 'tag-1-1',
			cwd: '/uhub/work',
			timeout_s: 60,
			grace_s: 10,
			commands: [
				{ name: 's', tool: 'shell' as const, argv: ['/bin/sh', '$(A) $$'] as [string, string], env: { A: '$(HOME)' } },
			],
		};
		const [container] = jobOf(task, config, [], K8sPolicy.parse({})).spec?.template.spec?.containers ?? [];
		expect(container).toMatchObject({ args: ['$$(A) $$$$'], env: [{ name: 'A', value: '$$(HOME)' }] });
	});
});
