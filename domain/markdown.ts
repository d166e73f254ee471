import type { Root } from 'hast';
import { sanitize, type Schema } from 'hast-util-sanitize';
import { toHtml } from 'hast-util-to-html';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { type State, toHast } from 'mdast-util-to-hast';
import { gfm } from 'micromark-extension-gfm';

// Loads some 50 kB: whoever needs it imports it when it is needed.

/** What Markdown may become: text, lists, tables, code and links. No image: a page would fetch it for whoever looks. */
const schema: Schema = {
	tagNames: [
		...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'strong', 'em', 'del', 'blockquote'],
		...['ul', 'ol', 'li', 'input', 'pre', 'code', 'a', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
	],
	attributes: {
		a: ['href', ['rel', 'nofollow', 'noopener', 'noreferrer']],
		code: [['className', /^language-[\w-]{1,30}$/]],
		ol: ['start'],
		li: [['className', 'task-list-item']],
		input: [['type', 'checkbox'], ['disabled', true], 'checked'],
		th: ['align'],
		td: ['align'],
	},
	required: { input: { type: 'checkbox', disabled: true } },
	protocols: { href: ['http', 'https', 'mailto'] },
	ancestors: { li: ['ol', 'ul'], tr: ['table'], th: ['table'], td: ['table'], thead: ['table'], tbody: ['table'] },
};

/** Containers inside each other that nobody writes by hand; parsing more takes time with their square. */
const tooDeep = /^(?:(?:[ \t]*(?:>|[-+*][ \t]|\d{1,9}[.)][ \t])){24}|[ \t]{80,}(?:[-+*>]|\d))/m;

/** Emphasis and links inside each other, in one paragraph or item of a list: the same. */
const RUNS_MAX = 300;
const tooKnotted = (text: string): boolean =>
	text
		.split(/\n(?=[ \t]*(?:\n|\||#|>|[-+*][ \t]|\d{1,9}[.)][ \t]))/)
		.some((block) => (block.match(/[*_~[\]!<`]+/g)?.length ?? 0) > RUNS_MAX || /[*_~[\]!<`]{400}/.test(block));

const extensions = [
	gfm(),
	// Footnotes take time with their square, and a post-mortem has no use for them.
	{ disable: { null: ['gfmFootnoteCall', 'gfmFootnoteDefinition', 'gfmPotentialFootnoteCall'] } },
];

/** Markdown as HTML that is safe to put into a page. HTML in it, and what is not to be parsed, is shown as it was written. */
export function renderMarkdown(text: string): string {
	if (tooDeep.test(text) || tooKnotted(text)) return plain(text);
	try {
		const tree = fromMarkdown(text, { extensions, mdastExtensions: [gfmFromMarkdown()] });
		const html = toHast(tree, {
			handlers: {
				html: (_: State, { value }: { value: string }) => ({ type: 'text' as const, value }),
				image: (_: State, { alt, url }: { alt?: string | null; url: string }) => link(url, alt ?? url),
			},
		});
		return toHtml(sanitize(withRel(html.type === 'root' ? html : { type: 'root', children: [] }), schema));
	} catch (error) {
		// Nested deeper than the stack.
		if (error instanceof RangeError) return plain(text);
		throw error;
	}
}

const link = (href: string, text: string) => ({
	type: 'element' as const,
	tagName: 'a',
	properties: { href },
	children: [{ type: 'text' as const, value: text }],
});

/** A page that is linked to learns nothing of this one. */
function withRel(root: Root): Root {
	const open = [...root.children];
	for (let node = open.pop(); node; node = open.pop()) {
		if (node.type !== 'element') continue;
		if (node.tagName === 'a') node.properties.rel = ['nofollow', 'noopener', 'noreferrer'];
		open.push(...node.children);
	}
	return root;
}

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${String(c.charCodeAt(0))};`);

const plain = (text: string): string => `<pre>${escapeHtml(text)}</pre>`;
