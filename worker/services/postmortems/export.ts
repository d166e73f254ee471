import { asc, eq, getTableColumns, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Incident, incidentTimes } from '#domain/incident.ts';
import { type ActionItem, ACTIONS_MAX, type PostMortem, sectionNames } from '#domain/postmortem.ts';
import { Locale } from '#domain/user.ts';
import { action_items, incidents, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { viewOf } from '../incidents/rows.ts';
import { ofIncident } from './rows.ts';
import { words } from './words.ts';

export const ExportQuery = z.strictObject({
	format: z.enum(['md', 'html', 'json']).default('md'),
	/** The language of the headings. */
	locale: Locale.default('en'),
});

type Action = ActionItem & { owner: string | null };
interface Whole {
	incident: Incident;
	postmortem: PostMortem;
	actions: Action[];
}
export interface Exported {
	name: string;
	type: 'application/json' | 'text/markdown' | 'text/html';
	text: string;
}

/** The whole of a post-mortem as a file to take away. */
export async function exportPostMortem(
	ctx: Ctx,
	incident_id: number,
	{ format, locale }: z.infer<typeof ExportQuery>,
): Promise<Exported> {
	const { rows } = await enter(ctx, 'postmortem.read', ofRow('incident', incident_id), [
		ofIncident(ctx, incident_id),
		ctx.db.select().from(incidents).where(eq(incidents.id, incident_id)),
		ctx.db
			.select({
				...getTableColumns(action_items),
				owner: sql<string | null>`coalesce(${users.display_name}, ${users.username})`,
			})
			.from(action_items)
			.leftJoin(users, eq(users.id, action_items.owner_id))
			.where(eq(action_items.postmortem_id, sql`(select id from postmortems where incident_id = ${incident_id})`))
			.orderBy(asc(action_items.id))
			.limit(ACTIONS_MAX),
	]);
	const whole: Whole = {
		postmortem: one(rows[0], 'post-mortem'),
		incident: one(rows[1], 'incident'),
		actions: rows[2],
	};
	const name = `postmortem-${String(incident_id)}`;
	if (format === 'json') return { name: `${name}.json`, type: 'application/json', text: asJson(whole) };
	const markdown = asMarkdown(whole, locale);
	if (format === 'md') return { name: `${name}.md`, type: 'text/markdown', text: frontMatter(whole) + markdown };
	return { name: `${name}.html`, type: 'text/html', text: await asHtml(whole, markdown, locale) };
}

const asJson = ({ incident, postmortem, actions }: Whole): string =>
	JSON.stringify({ incident: viewOf(incident), postmortem, actions }, null, '\t');

/** A JSON string is a YAML string. */
function frontMatter({ incident, postmortem }: Whole): string {
	const { title, severity, status, started_at, detected_at, mitigated_at, resolved_at } = incident;
	const fields = { title, severity, status, started_at, detected_at, mitigated_at, resolved_at };
	const all = { incident: incident.id, ...fields, ...incidentTimes(incident), postmortem: postmortem.status };
	return `---\n${Object.entries(all)
		.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
		.join('')}---\n\n`;
}

function asMarkdown({ incident, postmortem, actions }: Whole, locale: Locale): string {
	const say = words[locale];
	const parts = sectionNames.flatMap((section) => {
		const text = (postmortem[section] ?? '').trim();
		const table = section === 'action_items' ? actionTable(actions, locale) : '';
		return text === '' && table === '' ? [] : [`## ${say[section]}\n\n${[text, table].filter(Boolean).join('\n\n')}`];
	});
	return `${[`# ${escaped(incident.title)}`, ...parts].join('\n\n')}\n`;
}

function actionTable(actions: Action[], locale: Locale): string {
	if (actions.length === 0) return '';
	const say = words[locale];
	const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
	return [
		row([say.action, say.owner, say.due, say.priority, say.state]),
		row(['---', '---', '---', '---', '---']),
		...actions.map((a) =>
			row([
				escaped(a.title),
				escaped(a.owner ?? ''),
				a.due?.slice(0, 10) ?? '',
				say.priorities[a.priority],
				say.states[a.state],
			]),
		),
	].join('\n');
}

/** A name inside Markdown is read as it is written. */
const escaped = (text: string): string => text.replace(/[\\`*_{}[\]()#+\-.!|<>~&:@]/g, '\\$&');

const STYLE =
	'body{max-width:46rem;margin:3rem auto;padding:0 1rem;font:16px/1.6 system-ui,sans-serif}table{border-collapse:collapse}th,td{padding:.3rem .6rem;border:1px solid #999;text-align:left}pre{overflow:auto;padding:.8rem;background:#8881}';

/** A page that runs and loads nothing, wherever it is opened from. */
async function asHtml({ incident }: Whole, markdown: string, locale: Locale): Promise<string> {
	const { escapeHtml, renderMarkdown } = await import('#domain/markdown.ts');
	return [
		`<!doctype html>\n<html lang="${locale}">\n<head>\n<meta charset="utf-8">`,
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
		'<meta name="viewport" content="width=device-width">',
		`<title>${escapeHtml(incident.title)}</title>`,
		`<style>${STYLE}</style>\n</head>\n<body>`,
		renderMarkdown(markdown),
		'</body>\n</html>\n',
	].join('\n');
}
