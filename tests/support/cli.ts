// The command line as people get it: the one file, a process of its own, a home of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'vitest';

export const CLI = path.resolve(import.meta.dirname, '../../dist/uhub.mjs');

export interface Said {
	code: number | null;
	stdout: string;
	stderr: string;
}

export class Cli {
	readonly home = mkdtempSync(path.join(os.tmpdir(), 'uhub-cli-'));
	readonly env: Record<string, string>;

	constructor(env: Record<string, string> = {}) {
		this.env = { PATH: process.env.PATH ?? '', HOME: this.home, ...env };
	}

	get config(): string {
		return path.join(this.home, '.config/uhub/config.json');
	}

	/** One command to its end; `stdin` is all there is to read. */
	async run(args: string[], stdin = ''): Promise<Said> {
		const started = this.start(args);
		// It may end without reading.
		started.child.stdin?.on('error', () => undefined).end(stdin);
		return started.ended();
	}

	/** As `run`, for what must succeed: its output. */
	async ok(args: string[], stdin = ''): Promise<string> {
		const { code, stdout, stderr } = await this.run(args, stdin);
		expect(code, `uhub ${args.join(' ')}: ${stderr}`).toBe(0);
		return stdout;
	}

	async json(args: string[], stdin = ''): Promise<unknown> {
		return JSON.parse(await this.ok([...args, '--json'], stdin));
	}

	start(args: string[]): Started {
		return new Started(spawn(process.execPath, [CLI, ...args], { env: this.env }));
	}

	remove(): void {
		rmSync(this.home, { recursive: true, force: true });
	}
}

export class Started {
	readonly child: ChildProcess;
	stdout = '';
	stderr = '';

	constructor(child: ChildProcess) {
		this.child = child;
		child.stdout?.setEncoding('utf8').on('data', (part: string) => (this.stdout += part));
		child.stderr?.setEncoding('utf8').on('data', (part: string) => (this.stderr += part));
	}

	async says(text: string | RegExp, where: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
		await expect.poll(() => this[where]).toMatch(text);
	}

	async ended(): Promise<Said> {
		if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'close');
		return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
	}
}
