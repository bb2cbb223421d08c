"""What WeChat's official accounts and WeCom's customer service share: sealing, XML, people, replies, deliveries."""
