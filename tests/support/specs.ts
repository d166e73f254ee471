// What tests ask an agent to run.
import { createHash } from 'node:crypto';
import type { RunSpec } from '#protocol/run-spec.ts';

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** A spec as tests write it: only what matters to them. */
export type SpecOf = Partial<Omit<RunSpec, 'steps'>> & { script?: string; steps?: RunSpec['steps'] };
type Step = RunSpec['steps'][number];

/** Makes specs, and keeps the contents their scripts are asked for by hash. */
export class SpecBook {
	readonly #contents = new Map<string, Buffer>();
	#ids = 0;

	spec({ script = 'true', ...over }: SpecOf = {}): RunSpec {
		return {
			run_id: ++this.#ids,
			job_id: 7,
			project_id: 3,
			project: 'App',
			environment: 'staging',
			title: 'a job',
			execution: { backend: 'local', config: {} },
			steps: [this.step(script)],
			parameters: {},
			secrets: {},
			timeout_s: 60,
			grace_s: 1,
			on_partition: 'continue',
			...over,
		};
	}

	step(script: string | Buffer, over: { name?: string; tool?: Step['tool']; secret?: string } = {}): Step {
		const content = Buffer.from(script);
		this.#contents.set(sha256(content), content);
		const { name = 'step', tool = 'shell', secret = null } = over;
		return { location_type: 'uploaded', name, tool, sha256: sha256(content), size: content.length, secret };
	}

	/** What is sent for a hash, for a hub that sends something else than it promised. */
	forge(hash: string, content: Buffer): void {
		this.#contents.set(hash, content);
	}

	content(hash: string): Buffer {
		return this.#contents.get(hash) ?? Buffer.alloc(0);
	}
}
