export { type Conversation, readConversations } from './conversations.ts';
export { generateValue } from './generate-value.ts';
export { Random } from './random.ts';
