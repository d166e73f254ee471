import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '#domain/markdown.ts';

describe('Markdown', () => {
	it('becomes headings, lists, tables, code and links', () => {
		const html = renderMarkdown(
			'# What\n\n- [x] done\n- **b** and `c`\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n\n```sh\nls <x>\n```\n\n[r](/runs/1)',
		);
		for (const part of [
			'<h1>What</h1>',
			'<li class="task-list-item"><input type="checkbox" checked disabled> done</li>',
			'<strong>b</strong>',
			'<td align="center">2</td>',
			'<code class="language-sh">ls &#x3C;x>',
			'<a href="/runs/1" rel="nofollow noopener noreferrer">r</a>',
		])
			expect(html).toContain(part);
	});

	it('12: lets no script, no HTML and no foreign picture through', () => {
		for (const text of [
			'<script>alert(1)</script>',
			'<img src=x onerror=alert(1)>',
			'a <svg onload=alert(1)> b',
			'<a href="javascript:alert(1)">x</a>',
			'<iframe src="//e"></iframe>',
			'![x](https://evil.example/pixel.png)',
			'[x]: javascript:alert(1)\n\n[x]',
			'```js" onmouseover="alert(1)\nx\n```',
			'| <script>alert(1)</script> |\n|---|\n| <b onclick=x> |',
		]) {
			const html = renderMarkdown(text);
			expect(html, text).not.toMatch(/<(script|img|svg|iframe|style|b)\b/i);
			expect(html, text).not.toMatch(/<[a-z][^>]*\s(on\w+|href="javascript)/i);
		}
	});

	it('shows HTML as it was written', () => {
		expect(renderMarkdown('a <b>c</b>')).toBe('<p>a &#x3C;b>c&#x3C;/b></p>');
	});

	it('13: links only where a link may lead', () => {
		for (const url of [
			'javascript:alert(1)',
			'JaVaScRiPt:alert(1)',
			'java&#115;cript:alert(1)',
			'&#x6A;avascript:alert(1)',
			'data:text/html,x',
			'vbscript:x',
			'file:///etc/passwd',
		])
			for (const text of [`[x](${url})`, `<${url}>`, `![x](${url})`, `[x](<${url}>)`])
				expect(renderMarkdown(text), text).not.toMatch(/<[a-z][^>]*href="(?!https?:|mailto:)/);
		expect(renderMarkdown('[x](https://example.org) <mailto:a@b.example>')).toMatch(/href="https:.*href="mailto:/);
	});

	it('28: takes no longer for what is written to be slow', () => {
		const hostile = [
			'>'.repeat(60_000),
			'- '.repeat(30_000),
			'[a '.repeat(9000) + '](b)'.repeat(5000),
			'*a '.repeat(9000) + 'b* '.repeat(9000),
			'*a **b '.repeat(4000) + 'c**d*'.repeat(4000),
			'`` ` '.repeat(12_000),
			'[^a]: b\n[^a]'.repeat(5000),
			Array.from({ length: 240 }, (_, i) => `${' '.repeat(i * 2)}- x`).join('\n'),
		];
		for (const text of hostile) {
			const begun = process.cpuUsage();
			renderMarkdown(text);
			const { user } = process.cpuUsage(begun);
			expect(user / 1000, text.slice(0, 20)).toBeLessThan(2000);
		}
	});
});
