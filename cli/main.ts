import { asker } from './ask.ts';
import type { Interrupt, Shell } from './command.ts';
import { Exit } from './failure.ts';
import { hubOf } from './hub.ts';
import { program } from './program.ts';

const { env, stdin, stdout, stderr } = process;

// Whoever read has seen enough: `uhub runs list | head`.
for (const stream of [stdout, stderr])
	stream.on('error', (error: NodeJS.ErrnoException) => {
		if (error.code !== 'EPIPE') throw error;
		process.exit(Exit.brokenPipe);
	});

const shell: Shell = {
	env,
	stdin,
	stdout,
	stderr,
	ask: asker(stdin, stderr),
	hub: () => hubOf(env),
	onInterrupt: (handler) => {
		const signals: Interrupt[] = ['SIGINT', 'SIGTERM'];
		for (const signal of signals) process.on(signal, handler);
		return () => {
			for (const signal of signals) process.off(signal, handler);
		};
	},
};

process.exitCode = await program(process.argv.slice(2), shell);
// When all is written: a connection kept alive, or input that nobody ends, must not hold the process.
stdout.write('', () => {
	stderr.write('', () => {
		process.exit();
	});
});
