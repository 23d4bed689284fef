"""What the demonstration says on the console, in both languages."""

import os

SAID = {
    "starting": {"ja": "サービスを起動しています。", "en": "Starting the service."},
    "setting-up": {
        "ja": "はじめての起動です。利用者と担当者を登録し、文書に署名しています。",
        "en": "This is the first start: enrolling clients and people, and signing their documents."},
    "first": {
        "ja": "最初のインシデントが、サービスの起動から {seconds:.1f} 秒後にポータルに現れました。",
        "en": "The first incident stood in the portal {seconds:.1f} s after the service's start."},
    "story": {"ja": "ストーリー: {name}", "en": "Story: {name}"},
    "mail": {"ja": "メール {to}: {subject}", "en": "mail to {to}: {subject}"},
    "ready": {
        "ja": "\n火の見のデモンストレーションが動いています。終了は Ctrl-C です。\n\n  アドレス  {url}",
        "en": "\nThe demonstration of Hinomi is running; Ctrl-C stops it.\n\n  address   {url}"},
    "certificate": {
        "ja": "  証明書    {path} (このマシンが自分で作ったものなので、ブラウザーが一度確認を求めます)",
        "en": "            its certificate is {path}; this machine made it, so a browser asks about it once"},
    "people": {"ja": "\n  名前                パスワード               誰か", "en": "\n  name                password                 who"},
    "kept": {
        "ja": "\n  パスワードは {path} にもあります。メールは {mail} に届きます。",
        "en": "\n  The passwords stand in {path} too; mails arrive in {mail}."},
    "try": {
        "ja": """
  試してみてください
  1. watch/analyst-1 で入り、通販のインシデントを開きます。重大度はSQLインジェクションが「高」、改ざんが「緊急」です。
  2. shop/head で入り、確認して対応を決めます。改ざんへの初動対応は事前に承認されています。
  3. factory/head で入り、比べてみます。同じSQLインジェクションは記録だけ、内部からの探索が「緊急」です。
  4. メールを {mail} で読みます。リンクから、ログインせずに確認できます。
  5. 別の端末で同じ攻撃をもう一度送ります:
     {play}
""",
        "en": """
  What to try
  1. Sign in as watch/analyst-1 and open the shop's incidents: the SQL injection is high, the altered page critical.
  2. Sign in as shop/head, acknowledge and decide. What is done first about an altered page is authorised beforehand.
  3. Sign in as factory/head and compare: the same SQL injection is only noted, the scan from inside is critical.
  4. Read the mails in {mail}; their link acknowledges without signing in.
  5. In another terminal, send the same attack again:
     {play}
"""},
    "foreign": {
        "ja": "{data} には別のデータがあるため、デモンストレーションを行いません。空のフォルダーで始めるか、./run --empty を使ってください。",
        "en": "{data} holds data that are not the demonstration's; begin with an empty folder, or use ./run --empty."},
    "no-mailbox": {
        "ja": "ポート {port} を使えないため、メールを受け取れません: {reason}",
        "en": "Port {port} cannot be had, so no mail is received: {reason}"},
    "failed": {"ja": "デモンストレーションを準備できません: {reason}", "en": "The demonstration cannot be set up: {reason}"},
    "stopping": {"ja": "終了しています。", "en": "Stopping."},
}


def language():
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return "ja" if os.environ[name].startswith("ja") else "en"
    return "en"


def say(key, **values):
    print(SAID[key][language()].format(**values), flush=True)
