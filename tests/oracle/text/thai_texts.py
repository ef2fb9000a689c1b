"""Texts to compare Thai words and sentences on: of the dictionary's words, of ours, of characters in any order, and mixtures."""
import functools

OWN = ["วันนี้อากาศดีมาก เราไปเดินเล่นที่สวนสาธารณะกันเถอะ คุณคิดว่าอย่างไร", "ผมชอบกินข้าวผัดกับต้มยำกุ้ง แต่เธอชอบก๋วยเตี๋ยวมากกว่า", "สวัสดีครับ ยินดีต้อนรับสู่ประเทศไทย!",
       "พรุ่งนี้เวลา 19:30 น. จะมีประชุมที่ห้อง 12.5 ราคา 1,234.50 บาท", "นักเรียนไปโรงเรียนแล้ว ครูก็มาแล้วเช่นกัน เพราะฉะนั้นเริ่มเรียนได้เลย", "เขาถามว่า ทำไมเธอไม่มา? เธอตอบว่า ฝนตกหนักมาก.",
       "ข้อแรก ดื่มน้ำให้พอ ข้อสอง นอนให้หลับ ข้อสาม ออกกำลังกายทุก ๆ วัน", "ถ้าคุณมีคำถาม กรุณาติดต่อเราที่ help@example.com นะคะ", "ตากลมตากลมตากลม", "มาตรการนี้ช่วยคนยากจนได้จริง ๆ หรือไม่", "แมวสีดำกระโดดข้ามรั้วไม้เก่า ๆ ไปหาปลาทูตัวใหญ่"]
THAI = [chr(c) for c in range(0xE01, 0xE5C)]
CONSONANTS, VOWELS, TONES, FRONT = THAI[:46], [chr(c) for c in range(0xE30, 0xE3A)], [chr(c) for c in range(0xE48, 0xE4D)] + ["็"], [chr(c) for c in range(0xE40, 0xE45)]
# Clusters in which every rule of tcc has a part.
CLUSTERS = ["เก็บ", "เกราะ", "เปลี่ยะ", "เปลี่ยน", "เพลี้ย", "เกล็ด", "เดินห์", "เกิด", "เสียะ", "เสื้อ", "เยอะ", "เรือ", "เลยี", "เก่า", "เกาะ", "เจ๊าะ", "ตัวะ", "ผัวะ", "กัน", "ตั้ง", "ดึง", "สิทธิ์", "พันธุ์", "บรรณ์", "กรรม์", "ก็", "ก้ะ", "ทำ", "แข็ง",
            "แพทย์", "และ", "แกล็น", "แฟรงค์", "โต๊ะ", "ไม่", "ใจ", "อึ", "หึ", "ศาสตร์", "จันทร์", "ลักษณ์", "เก่ย", "เกุ้ย", "เพีย\n", "รถยนต์", "ฤๅ", "ฦา"]
OTHER = ["a", "Hello", "x-ray", "-", "--", "iPhone 15", "ABC123", "e.g.", "12", "3.14", "1,234.5", "12:30", "127.0.0.1", "1.", ".5", "5,", "1:2:3", "12.x3", "๑๒", "๑,๒๓๔.๕", "๑๒:๓๐", "٣.٤", "１２", "²", "½", "Ⅷ", ".", "..", "...", "!", "?", "!?", "。", ",", ":", ";", "(", ")", "“", "”",
         "\"", "'", "/", "*", "**", "# ", "- ", "1) ", "😀", "👍🏽", "👨‍👩‍👧", "🇹🇭", "❤️", "ฯ", "ฯลฯ", "ฯพณฯ", "ๆ", " ๆ ", "ๆๆ", "฿", "๏", "๚๛", "\u0e3b", "\u0e5c", "\u0e7f", "\u0e80", "ລາວ", "中文", "日本", "한국", "हिन्दी", "é", "e\u0301", "ß", "İ", "\u200b", "\u200c", "\u200d", "\ufeff", "\u00ad", "\u0301", "\x00", "\x01", "\x1b", "\x7f", "\ufffd", "\U0001f600", "\U000e0001", "|", "xxpad"]
SPACES = [" ", "  ", "   ", "\t", " \t ", "\n", "\n\n", "\r\n", "\r", "\r\r\n", "\x0b", "\x0c", "\x1c", "\x1f", "\x85", "\u2028", "\u2029", "\u00a0", "\u3000", "\u2003"]
AMBIGUOUS = ["ตากลม", "กก", "มากกว่า", "นานา", "ยายา", "ตาตา", "มาตรา", "การการ", "รอกรอ", "สสส", "ไปไป", "ขนขน", "นอนอน", "งงง", "คนคน", "กรรมการ", "ยากร", "อยากจะ", "นะนะคะ"]


@functools.cache
def dictionary():
    from pythainlp.corpus import thai_words
    from pythainlp.tokenize import crfcut
    # The frequent ones are what a sentence is made of.
    return sorted(thai_words()), sorted(crfcut._ENDERS | crfcut._STARTERS)


def piece(rnd):
    words, frequent = dictionary()
    r = rnd.random()
    if r < 0.40:
        return rnd.choice(words)
    if r < 0.62:
        return rnd.choice(frequent)
    if r < 0.68:
        return rnd.choice(SPACES) if rnd.random() < 0.4 else " "
    if r < 0.76:
        return rnd.choice(OTHER)
    if r < 0.80:
        return rnd.choice(CLUSTERS)
    if r < 0.86:
        return rnd.choice(OWN)
    if r < 0.90:
        word = rnd.choice(words)
        at = rnd.randint(0, len(word))
        return rnd.choice([word[:at], word[at:], word[:at] + rnd.choice(THAI) + word[at:], word[:at] + word[at + 1:]])
    if r < 0.93:
        return "".join(rnd.choice(THAI) for _ in range(rnd.randint(1, 12)))
    if r < 0.96:
        return "".join(rnd.choice(FRONT + [""] * 4) + rnd.choice(CONSONANTS) + rnd.choice(VOWELS + [""] * 6) + rnd.choice(TONES + [""] * 6) for _ in range(rnd.randint(1, 6)))
    if r < 0.98:
        return "".join(rnd.choice(AMBIGUOUS) for _ in range(rnd.randint(1, 12)))
    return rnd.choice(["\n", "\n", "\n\n", " - ", "\n* ", "\n1. "])


def thai_text(rnd):
    """One text of up to about 4,000 characters, most of them short; without lone surrogates."""
    kind = rnd.random()
    if kind < 0.04:
        return "".join(rnd.choice(AMBIGUOUS) for _ in range(rnd.randint(20, 200)))
    if kind < 0.08:
        return "".join(rnd.choice(CLUSTERS + THAI) for _ in range(rnd.randint(1, 80)))
    if kind < 0.10:
        return "".join(rnd.choice(OTHER + SPACES + ["ก"]) for _ in range(rnd.randint(1, 40)))
    count = rnd.choice([1, 2, 3, 5, 8, 12, 20, 40, 80, 400])
    between = rnd.choice(["", "", "", " ", "\n"])
    return between.join(piece(rnd) for _ in range(rnd.randint(1, count)))[:4000]
