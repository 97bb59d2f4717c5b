//! The design system. What it is made of is in `tokens.css`; how a component is used is in its first line.
//! The content security policy forbids `style="…"` attributes: use `style:property={…}`.
export { ask } from './ask.svelte';
export { default as Badge } from './Badge.svelte';
export { default as Button } from './Button.svelte';
export { default as Dialog } from './Dialog.svelte';
export { default as EmptyState } from './EmptyState.svelte';
export { default as Field } from './Field.svelte';
export { default as Icon } from './Icon.svelte';
export { default as IconButton } from './IconButton.svelte';
export type { IconName } from './icons';
export { default as Mark } from './Mark.svelte';
export { default as Menu, type MenuItem } from './Menu.svelte';
export { default as MomentField } from './MomentField.svelte';
export { default as Progress } from './Progress.svelte';
export { default as Select } from './Select.svelte';
export { default as SiteMark } from './SiteMark.svelte';
export { default as Table } from './Table.svelte';
export { default as Tabs } from './Tabs.svelte';
export { dismiss, toast } from './toast.svelte';
