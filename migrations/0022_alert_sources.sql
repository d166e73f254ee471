DROP INDEX `approvals_pending`;--> statement-breakpoint
ALTER TABLE `alert_sources` ADD `severities` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `alert_sources` ADD `group_by` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `alert_sources` ADD `secret_ref` text;