// Which characters are emoji by themselves, as the Python package emoji 2.16 (Unicode Emoji 17.0)
// has them: not digits, not the letters of flags.
#ifndef PLUMBLINE_CORE_TEXT_EMOJI_H_
#define PLUMBLINE_CORE_TEXT_EMOJI_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace plumbline {

// emoji.is_emoji(c) of a string of one character. Thread-safe.
bool IsEmoji(char32_t c);

// emoji.emoji_count(text), and in *rest emoji.replace_emoji(text, ""): sequences (flags, skin
// tones, families) count once where Unicode recommends them, else their parts do; variation
// selectors go with them. Thread-safe, linear time but for runs of joiners. The first call reads
// the list.
size_t RemoveEmoji(std::u32string_view text, std::u32string* rest);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_EMOJI_H_
