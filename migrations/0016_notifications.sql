CREATE TABLE `notification_choices` (
	`user_id` integer PRIMARY KEY NOT NULL,
	`channels` text NOT NULL,
	`projects` text,
	`severity` text NOT NULL,
	`quiet` text,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `notifications` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`event` text NOT NULL,
	`project_id` integer,
	`object_type` text NOT NULL,
	`object_id` integer NOT NULL,
	`about` text NOT NULL,
	`dedupe_key` text NOT NULL,
	`page` integer NOT NULL,
	`browser` integer NOT NULL,
	`webhook` integer NOT NULL,
	`created_at` integer NOT NULL,
	`read_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `notifications_once` ON `notifications` (`dedupe_key`,`user_id`);--> statement-breakpoint
CREATE INDEX `notifications_user` ON `notifications` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `notifications_unread` ON `notifications` (`user_id`) WHERE page = 1 and read_at is null;--> statement-breakpoint
CREATE INDEX `notifications_project` ON `notifications` (`project_id`);--> statement-breakpoint
ALTER TABLE `webhooks` ADD `user_id` integer REFERENCES users(id) ON DELETE CASCADE;--> statement-breakpoint
CREATE UNIQUE INDEX `webhooks_user` ON `webhooks` (`user_id`) WHERE user_id is not null;