import { z } from 'zod';
import { plainLine } from './common.ts';
import { MailToken } from './mail.ts';
import { Notification, NotificationAbout, placeOf, PREFERENCES_AT } from './notification.ts';
import { sentence } from './notification-words.ts';
import type { Locale } from './user.ts';

/** What a mail tells one by one; of the rest it says how many there are. */
export const LISTED_MAX = 30;

const title = z.string().max(200);

/**
 * What a mail says, before it is put into words. Whoever sends it makes the text of it, so that nothing else than what stands here can be
 * said in the hub's name.
 */
export const Letter = z.discriminatedUnion('kind', [
	z.strictObject({
		kind: z.literal('told'),
		told: z
			.array(
				z.strictObject({
					...Notification.pick({ event: true, object_type: true, object_id: true, created_at: true }).shape,
					about: NotificationAbout.extend({ title, project: title.nullable() }),
				}),
			)
			.min(1)
			.max(LISTED_MAX),
		/** How much there is beside these. */
		more: z.int().min(0).max(100_000),
	}),
	z.strictObject({ kind: z.literal('confirm'), token: MailToken }),
]);
export type Letter = z.infer<typeof Letter>;

export interface MailText {
	subject: string;
	text: string;
	html: string;
	/** Where the person says what they want to be told of. */
	preferences: string;
}

const words = {
	en: {
		several: (count: number) => `${String(count)} things you are told of`,
		more: (count: number) => `and ${String(count)} more`,
		confirm: 'Confirm this address',
		ask: 'Somebody who is signed in to uHub gave this as their address. If it was you, follow this link within a day, signed in, and uHub will send you what you choose to be told. If not, there is nothing to do.',
		why: 'You are told this by uHub because you chose to be. Change what you are told of, or end it:',
	},
	fr: {
		several: (count: number) => `${String(count)} nouvelles pour vous`,
		more: (count: number) => `et ${String(count)} de plus`,
		confirm: 'Confirmez cette adresse',
		ask: 'Une personne connectée à uHub a donné cette adresse pour la sienne. Si c’est vous, suivez ce lien sous un jour, en étant connecté : uHub vous enverra ce que vous choisissez. Sinon, il n’y a rien à faire.',
		why: 'uHub vous en informe parce que vous l’avez choisi. Pour changer ce dont vous êtes informé, ou ne plus l’être :',
	},
} as const satisfies Record<Locale, unknown>;

interface Line {
	line: string;
	beside: string;
	link: string;
}

/** `hub`: where its pages are, without a path. */
export function mailText(letter: Letter, locale: Locale, hub: string): MailText {
	const preferences = hub + PREFERENCES_AT;
	const said = words[locale];
	if (letter.kind === 'confirm') {
		const link = `${preferences}?confirm=${letter.token}`;
		return made({ head: said.confirm, lines: [{ line: said.confirm, beside: said.ask, link }], preferences }, locale);
	}
	const { told, more } = letter;
	const lines = told.map((one) => ({
		line: sentence(one, locale),
		beside: [one.about.project === null ? null : plainLine(one.about.project), timeOf(one.created_at)]
			.filter((part) => part !== null)
			.join(' · '),
		link: hub + placeOf(one),
	}));
	const all = lines.length + more;
	const [first] = lines;
	return made(
		{
			head: all === 1 && first ? first.line : said.several(all),
			lines,
			after: more > 0 ? said.more(more) : null,
			why: said.why,
			preferences,
		},
		locale,
	);
}

interface Parts {
	head: string;
	lines: readonly Line[];
	after?: string | null;
	why?: string;
	preferences: string;
}

function made({ head, lines, after = null, why, preferences }: Parts, locale: Locale): MailText {
	const alone = lines.length === 1 && after === null;
	const link = (to: string, text: string) => `<a href="${escaped(to)}">${escaped(text)}</a>`;
	return {
		subject: plainLine(`[uHub] ${head}`, 180),
		text: [
			...(alone ? [] : [head, '']),
			...lines.flatMap(({ line, beside, link }) => [line, beside, link, '']),
			...(after === null ? [] : [after, '']),
			...(why === undefined ? [] : ['-- ', why, preferences, '']),
		].join('\n'),
		html: [
			`<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><title>${escaped(head)}</title></head>`,
			'<body style="font-family:sans-serif;font-size:15px;line-height:1.5">',
			...(alone ? [] : [`<p><strong>${escaped(head)}</strong></p>`]),
			...lines.map(
				(one) => `<p>${link(one.link, one.line)}<br><span style="color:#666">${escaped(one.beside)}</span></p>`,
			),
			...(after === null ? [] : [`<p>${escaped(after)}</p>`]),
			...(why === undefined
				? []
				: [`<p style="color:#666;font-size:13px">${escaped(why)} ${link(preferences, preferences)}</p>`]),
			'</body></html>',
			'',
		].join('\n'),
		preferences,
	};
}

/** What it is called on the way, the same however often it is tried. */
export const messageId = (key: string, hub: string): string =>
	`<${key}@${new URL(hub).hostname.replace(/[^A-Za-z0-9.-]/g, '')}>`;

const timeOf = (at: string): string => `${at.slice(0, 16).replace('T', ' ')} UTC`;

const marks: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (mark) => marks[mark] ?? '');
