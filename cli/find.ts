import type { Client } from '#client/client.ts';
import { Failure, usage } from './failure.ts';
import { listed, type Page } from './pages.ts';
import { Environment, Job, JobItem, pageOf, Project, Script } from './rows.ts';

// People know things by their names, the API by their ids. A number is an id; a name must be of one thing.

/** As much of a name as a search takes. */
const SEARCH_MAX = 48;
/** Far more than share a name. */
const FOUND_MAX = 2000;

export const isId = (text: string): boolean => /^[1-9]\d{0,9}$/.test(text);

/** An id and nothing else, for what has no name. */
export function idOf(what: string, text: string): number {
	if (!isId(text)) throw usage(`${what}: expected an id, not "${text}"`);
	return Number(text);
}

type Ask<Row> = (query: { limit: number; cursor: string | undefined; q: string | undefined }) => Promise<Page<Row>>;

export async function named<Row extends { id: number }>(
	what: string,
	text: string,
	nameOf: (row: Row) => string,
	ask: Ask<Row>,
): Promise<Row> {
	const name = text.trim();
	// Half of a pair of code units would be found nowhere.
	const search = name
		.slice(0, SEARCH_MAX)
		.replace(/[\ud800-\udbff]$/, '')
		.trim();
	if (search === '') throw usage(`The ${what} must have a name or an id.`);
	const { items } = await listed({ limit: FOUND_MAX, all: false, cursor: undefined, search }, ask);
	const exact = items.filter((row) => nameOf(row) === name);
	const found = exact.length > 0 ? exact : items.filter((row) => nameOf(row).toLowerCase() === name.toLowerCase());
	const [row] = found;
	if (row === undefined) throw new Failure(`There is no ${what} "${name}" that you may see.`);
	if (found.length > 1)
		throw new Failure(`Several have the name "${name}": give the id, ${found.map(({ id }) => id).join(' or ')}.`);
	return row;
}

export const findProject = (api: Client, text: string): Promise<Project> =>
	isId(text)
		? api.get(`/projects/${text}`, Project)
		: named(
				'project',
				text,
				({ name }) => name,
				(query) => api.get('/projects', pageOf(Project), { query }),
			);

/** What the projects of these rows are called: asked for all together, and not at all where one is known to have them. */
export async function projectNames(
	api: Client,
	rows: readonly { project_id: number }[],
	within: Project | null,
): Promise<ReadonlyMap<number, string>> {
	if (within !== null) return new Map([[within.id, within.name]]);
	if (rows.length === 0) return new Map();
	const everyone = { limit: undefined, all: true, cursor: undefined, search: undefined };
	const { items } = await listed(everyone, (query) => api.get('/projects', pageOf(Project), { query }));
	return new Map(items.map(({ id, name }) => [id, name]));
}

/** `project`: where to look, if the title alone is not enough. */
export async function findJob(
	api: Client,
	text: string,
	project?: string,
): Promise<{ id: number; project_id: number }> {
	if (isId(text)) return api.get(`/jobs/${text}`, Job);
	const within = project === undefined ? null : await findProject(api, project);
	return named(
		'job',
		text,
		({ title }: JobItem) => title,
		(query) =>
			within === null
				? api.get('/jobs', pageOf(JobItem), { query })
				: api.get(`/projects/${String(within.id)}/jobs`, pageOf(JobItem), { query }),
	);
}

export const findEnvironment = (api: Client, project_id: number, text: string): Promise<{ id: number }> =>
	isId(text)
		? Promise.resolve({ id: Number(text) })
		: named(
				'environment',
				text,
				({ name }: Environment) => name,
				(query) => api.get(`/projects/${String(project_id)}/environments`, pageOf(Environment), { query }),
			);

export const findScript = (api: Client, project_id: number, text: string): Promise<{ id: number }> =>
	isId(text)
		? Promise.resolve({ id: Number(text) })
		: named(
				'script',
				text,
				({ name }: Script) => name,
				(query) => api.get(`/projects/${String(project_id)}/scripts`, pageOf(Script), { query }),
			);
