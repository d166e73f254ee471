import { parseArgs } from 'node:util';
import { doctor } from './commands/doctor.ts';
import { enroll } from './commands/enroll.ts';
import { policyCheck } from './commands/policy-check.ts';
import { sign } from './commands/sign.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { enrolToken } from './enrol-token.ts';
import { Failure } from './failure.ts';
import { VERSION } from './version.ts';

const HELP = `uhub-agent ${VERSION}: runs a hub's jobs on this host, as far as its own policy allows.

  uhub-agent enroll --hub URL --token uhe_…   make a key and make this host known to a hub
      --token -          read the token from standard input, so that no list of processes shows it
      --token-file FILE  read it from a file
      --name N           its name there (default: the host's)
      --label k=v        may be given again
      --capacity N       runs at the same time (default 4)
      --allow-local      write a policy that allows uploaded shell scripts (default: one that allows nothing)
      --insecure         speak to a hub that has no TLS
  uhub-agent start [--hub URL]                run until told to stop; --hub: the same hub, at another address
  uhub-agent doctor                           look at everything it needs
  uhub-agent status                           say whether it runs, and what
  uhub-agent policy check [FILE]              read a policy and say what it allows

  uhub-agent sign --key FILE --new-key        make a key that signs jobs, and print its public part
  uhub-agent sign --key FILE [TEMPLATE]       sign what a hub says a job is (from standard input, or a file)
      --days N           how long the signature is good (default: until another is made)

  --home DIR   where the agent lives (default: $UHUB_AGENT_HOME, or ~/.uhub-agent)
  --help, --version

Every answer other than 0 comes with a sentence that says what to do. The whole of it: docs/agent.md.`;

const options = {
	home: { type: 'string' },
	hub: { type: 'string' },
	token: { type: 'string' },
	'token-file': { type: 'string' },
	name: { type: 'string' },
	label: { type: 'string', multiple: true },
	capacity: { type: 'string' },
	'allow-local': { type: 'boolean' },
	insecure: { type: 'boolean' },
	key: { type: 'string' },
	'new-key': { type: 'boolean' },
	days: { type: 'string' },
	help: { type: 'boolean', short: 'h' },
	version: { type: 'boolean' },
} as const;

const USAGE_EXIT_CODE = 2;

function parse(argv: string[]) {
	try {
		return parseArgs({ args: argv, options, allowPositionals: true });
	} catch (error) {
		throw new Failure(
			`${error instanceof Error ? error.message : String(error)} See uhub-agent --help.`,
			USAGE_EXIT_CODE,
		);
	}
}

async function main(argv: string[]): Promise<number> {
	const { values, positionals } = parse(argv);
	const { home, hub } = values;
	const [command, ...rest] = positionals;
	if (values.version) console.log(VERSION);
	else if (values.help || command === undefined) console.log(HELP);
	else if (command === 'enroll' && rest.length === 0) {
		const {
			'token-file': file,
			name,
			capacity,
			label = [],
			insecure = false,
			'allow-local': allowLocal = false,
		} = values;
		if (hub === undefined || (values.token === undefined) === (file === undefined))
			throw new Failure(
				'enroll needs --hub URL and either --token or --token-file (the hub shows a token under Agents).',
				USAGE_EXIT_CODE,
			);
		const token = await enrolToken(values.token ?? '-', file);
		console.log(await enroll({ home, hub, token, name, capacity, labels: label, insecure, allowLocal }));
	} else if (command === 'start' && rest.length === 0) await start({ home, hub });
	else if (command === 'doctor' && rest.length === 0) return doctor({ home });
	else if (command === 'status' && rest.length === 0) return status({ home });
	else if (command === 'policy' && rest[0] === 'check' && rest.length <= 2) await policyCheck({ home, file: rest[1] });
	else if (command === 'sign' && rest.length <= 1) {
		const { key, 'new-key': newKey = false, days } = values;
		if (key === undefined) throw new Failure('sign needs --key FILE.', USAGE_EXIT_CODE);
		await sign({ key, newKey, file: rest[0], days });
	} else throw new Failure(`There is no command "${positionals.join(' ')}". See uhub-agent --help.`, USAGE_EXIT_CODE);
	return 0;
}

main(process.argv.slice(2)).then(
	(code) => process.exit(code),
	(error: unknown) => {
		if (!(error instanceof Failure)) throw error;
		console.error(`uhub-agent: ${error.message}`);
		process.exit(error.exit_code);
	},
);
