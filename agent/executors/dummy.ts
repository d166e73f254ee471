import { Stream } from '#protocol/run-frames.ts';
import { type Execution, type Executor, type Exit, type Output, STOPPED, type Task } from './contract.ts';

/** Runs nothing, with knobs: for tests of everything around an executor. */
export const dummy: Executor = {
	seen: () => null,
	prepare: (task) => new DummyExecution(task),
	reap: () => Promise.resolve(),
};

class DummyExecution implements Execution {
	readonly cgroup = null;
	readonly #task: Task;
	readonly #stopped = new AbortController();
	#exit: Promise<Exit> | null = null;

	constructor(task: Task) {
		this.#task = task;
	}

	start(output: Output): void {
		this.#exit = this.#carryOut(output);
	}

	wait(): Promise<Exit> {
		return this.#exit ?? Promise.resolve(STOPPED);
	}

	async stop(): Promise<void> {
		this.#stopped.abort();
		await this.#exit;
	}

	cleanUp(): Promise<void> {
		this.#exit = null;
		return Promise.resolve();
	}

	async #carryOut(output: Output): Promise<Exit> {
		const knobs = this.#task.execution.backend === 'dummy' ? this.#task.execution.config : {};
		if (knobs.fail_start) return { kind: 'not_started', message: 'the dummy was told to fail to start' };
		for (let n = 1; n <= (knobs.lines ?? 0) && !this.#stopped.signal.aborted; n++)
			await output.write(Stream.stdout, Buffer.from(`line ${String(n)}\n`));
		if (knobs.fail_tail) return { kind: 'broken', message: 'the dummy was told to lose its output' };
		await new Promise<void>((resolve) => {
			if (this.#stopped.signal.aborted) resolve();
			const timer = setTimeout(resolve, knobs.sleep_ms ?? 0);
			this.#stopped.signal.addEventListener('abort', () => {
				clearTimeout(timer);
				resolve();
			});
		});
		if (this.#stopped.signal.aborted) return { kind: 'signal', signal: 'SIGINT' };
		return { kind: 'exit', code: knobs.exit_code ?? 0 };
	}
}
