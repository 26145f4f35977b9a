"""Words and phrasings of the made-up dialogues: names, places, times, and what people want of each other.

A scenario is one kind of request (invite, borrow, cancel, ...) about one topic (tennis, the ladder, ...). Placeholders:
{A} who the summary begins with, {B} the other speaker, {C} somebody absent, {t} the topic, {day}, {hour}, {place} what was
agreed, {bad_day}, {bad_hour}, {bad_place} what was said before and taken back. Every name is put together from two parts, so
that there are thousands and a new one is spelt from pieces that are known.
"""

PERSON_BEGINNINGS = (
    "Al An Ar Bel Ben Cal Car Cor Dan Del Dor Ed El Em Fab Fel Gar Gil Hal Han Hel Il Is Jan Jul Kar Kel Lar Len Lin Lor Mal "
    "Mar Mel Mil Nad Nor Ol Per Ral Ros Sal Sam Sel Tam Tor Val Vin Wil Yan Zel").split()
PERSON_ENDINGS = (
    "a an ana ara ard as ella en ena eno er ette ia ian ick ida ie ik ika im ina ine ino io is ita iva o ola on ora os us "
    "win y").split()
PLACE_BEGINNINGS = (
    "Ash Birch Brook Cald Dun East Elm Fair Green Hart Hol Kings Lang Lynd Mill North Oak Pem Red Rose South Stan Stone Strat "
    "Thorn Wake West Whit Win Wood").split()
PLACE_ENDINGS = (
    "ford wick ton dale by mere ham stead bridge moor field port worth hurst bourne well den ley combe gate").split()
PLACE_KINDS = (
    "the {} library|the {} museum|the {} market|the {} cinema|the {} bakery|the {} theatre|the {} hotel|the {} gym|"
    "{} Park|{} Square|{} Station|{} Hall|{} School|{} Bridge").split("|")

WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
CLOCK_WORDS = "one two three four five six seven eight nine ten eleven twelve".split()

ACTIVITIES = (
    "play tennis|play chess|have lunch|have a coffee|watch a film|go for a walk|practise the song|learn some Spanish|"
    "take photos|go running").split("|")
TASKS = (
    "repair the bike|paint the fence|move the piano|carry the sofa|fix the printer|bake a cake|plan the trip|"
    "write the report|clean the kitchen|build a shelf").split("|")
ITEMS = (
    "the ladder|the blue tent|the camera|the drill|the red suitcase|the guitar|the cookbook|the sewing machine|"
    "the old radio|the lamp").split("|")
EVENTS = (
    "the dinner|the picnic|the meeting|the guitar lesson|the rehearsal|the interview|the chess game|the boat trip|"
    "the dance class|the breakfast").split("|")
SHOWS = (
    "the concert|the book fair|the football match|the puppet show|the flower sale|the public talk|the film night|"
    "the jazz festival|the art course|the bike race").split("|")
SERVICES = (
    "a haircut|a driving lesson|a piano lesson|a massage|a city tour|a dog walk|an eye test|a photo session|"
    "a swimming lesson|a computer course").split("|")
DESTINATIONS = (
    "the airport|the hospital|the office|the beach|the harbour|the university|the stadium|the zoo|the town hall|"
    "the garage").split("|")
SURPRISES = (
    "a surprise party|a birthday dinner|a farewell gift|a small concert|a garden feast|a treasure hunt|a welcome lunch|"
    "a costume ball|a wedding video|a quiz evening").split("|")

# Each request: topics, the summary, and what its first lines may be (A speaks). The last opening of each is kept for
# scenarios that do not occur in training.
REQUESTS = {
    "invite": {
        "topics": ACTIVITIES,
        "summary": "{A} invites {B} to {t} at {place} on {day} at {hour}.",
        "openings": [
            "Would you like to {t} with me?", "I would love to {t} again. Will you join me?", "How about we {t} together?",
            "Do you feel like coming along to {t}?", "Nobody wants to {t} with me. Are you interested?",
            "Do you have time to {t} with me?"],
        "answers": ["Sure, I would love to.", "What a great idea!", "Yes, gladly.", "Of course, it has been so long."],
    },
    "help": {
        "topics": TASKS,
        "summary": "{A} asks {B} to help {t} at {place} on {day} at {hour}.",
        "openings": [
            "Could you help me {t}?", "I cannot {t} alone. Can you give me a hand?", "I need somebody who helps me {t}.",
            "I promised to {t} and I need your help.", "Are you any good with your hands? I have to {t}.",
            "Can you help? I want to {t}."],
        "answers": ["No problem, I will help you.", "Sure, that is quickly done.", "Of course, what are friends for?",
                    "Yes, I can do that."],
    },
    "borrow": {
        "topics": ITEMS,
        "summary": "{A} wants to borrow {t} from {B} and will fetch it at {place} on {day} at {hour}.",
        "openings": [
            "Could I borrow {t} from you?", "Would you lend me {t}?", "Do you still have {t}? I need it for a few days.",
            "Mine is broken. May I use {t} of yours for a while?", "May I take {t} for the weekend? You get it back soon.",
            "Can you lend me {t} for a few days?"],
        "answers": ["Yes, I do not need it now.", "Sure, just be careful with it.", "You can have it, but I want it back.",
                    "Of course, come and get it."],
    },
    "return": {
        "topics": ITEMS,
        "summary": "{A} will give {t} back to {B} at {place} on {day} at {hour}.",
        "openings": [
            "I still have {t} of yours.", "I want to give you back {t}.", "Thank you for lending me {t}. I am done with it.",
            "You must be missing {t}. I had it for too long.", "It is time that you get {t} back.",
            "I no longer need {t}. You can have it back."],
        "answers": ["Oh, I forgot that you had it.", "Good, I need it myself.", "There was no hurry.", "Nice of you to think of it."],
    },
    "sell": {
        "topics": ITEMS,
        "summary": "{A} sells {t} to {B} and they meet at {place} on {day} at {hour}.",
        "openings": [
            "I am selling {t}. Do you want to buy it?", "Are you still looking to buy {t}? Mine is for sale.",
            "I do not need {t} any more. It is yours for forty euros.", "Would you pay thirty euros for {t}?",
            "I saw that you want {t}. I would sell you mine.", "Do you want to buy {t} of mine?"],
        "answers": ["That is a fair price, I take it.", "Yes, I will buy it.", "Deal! I bring the money.", "Sold! I pay in cash."],
    },
    "buy": {
        "topics": ITEMS,
        "summary": "{A} buys {t} from {B} and they meet at {place} on {day} at {hour}.",
        "openings": [
            "I saw your advert. I want to buy {t}.", "Is {t} still for sale? I would take it.",
            "You are selling {t}, right? I have the money.", "I would pay you forty euros for {t}.",
            "I hear you want to get rid of {t}. I will buy it.", "I want to buy {t} that you are selling."],
        "answers": ["Good, it is yours.", "Yes, it is still here.", "All right, I keep it for you.", "Fine, but only for cash."],
    },
    "lift": {
        "topics": DESTINATIONS,
        "summary": "{A} asks {B} for a lift to {t} from {place} on {day} at {hour}.",
        "openings": [
            "Could you drive me to {t}?", "I have to get to {t} and my car will not start.", "There is no bus to {t}. Can you take me?",
            "Are you driving to {t} by any chance?", "I need a lift to {t}. Is there room in your car?",
            "Can you take me to {t} in your car?"],
        "answers": ["Sure, I have the car.", "Yes, it is on my way.", "No problem, I will drive you.", "Of course, hop in."],
    },
    "cancel": {
        "topics": EVENTS,
        "summary": "{A} cancels {t} with {B} at {place} on {day} at {hour}.",
        "openings": [
            "I am sorry, but I have to cancel {t}.", "Bad news, I cannot make it to {t}.", "I am ill, so {t} is off.",
            "Please do not wait for me, I must call off {t}.", "Something came up at work. We have to cancel {t}.",
            "I have bad news. I must cancel {t}."],
        "answers": ["What a pity.", "Oh no, I was looking forward to it.", "Never mind, these things happen.", "That is a shame."],
        "settled": "agreed before",
    },
    "move": {
        "topics": EVENTS,
        "summary": "{A} moves {t} with {B} at {place} from {bad_day} to {day} at {hour}.",
        "openings": [
            "Can we move {t} on {bad_day} to another day?", "I cannot come to {t} on {bad_day}. Can we do it later?",
            "We said {bad_day} for {t}, but I have to work then.", "I need another day for {t}, {bad_day} is full.",
            "My boss needs me on {bad_day}. We have to move {t}.", "I cannot do {t} on {bad_day}. Can we move it?"],
        "answers": ["Yes, we can do that.", "No problem at all.", "I am easy, just tell me.", "That suits me better, too."],
    },
    "tell": {
        "topics": SHOWS,
        "summary": "{A} tells {B} that {t} begins at {place} on {day} at {hour}.",
        "openings": [
            "Have you heard about {t}?", "Did you see the poster for {t}?", "You should not miss {t}.",
            "I just read about {t} in the paper.", "I know that you like {t}. It is on again.", "Did you hear about {t} in the paper?"],
        "answers": ["No, tell me more.", "Oh, I did not know about it.", "That sounds like fun.", "Thank you for telling me."],
        "settled": "told",
    },
    "book": {
        "topics": SERVICES,
        "summary": "{A} books {t} with {B} at {place} on {day} at {hour}.",
        "openings": [
            "I would like to book {t}.", "Do you have a free slot for {t}?", "I am calling to arrange {t}.",
            "My friends say that you offer {t}. I would like one.", "Can I get an appointment for {t}?",
            "Can I book {t} with you?"],
        "answers": ["Certainly, let me look.", "With pleasure.", "Yes, there is something free.", "You have come to the right person."],
    },
    "surprise": {
        "topics": SURPRISES,
        "summary": "{A} plans {t} for {C} with {B} at {place} on {day} at {hour}.",
        "openings": [
            "Let us prepare {t} for {C}.", "{C} has had a hard year. I am thinking of {t}.",
            "Do not tell {C}, but I want to organise {t}.", "I have an idea for {C}: we could prepare {t}.",
            "What do you think of {t} for {C}?", "I want to organise {t} for {C}."],
        "answers": ["Great, I am in.", "I like that, count me in.", "I will not say a word.", "How nice of you, I will help."],
    },
}

# Lines before the request. p speaks first; the one who wants something may be the first or the second to speak.
GREETINGS_BY_A = [
    [("A", "Hi {B}!")], [("A", "Hello {B}, how are you?"), ("B", "Fine, thanks.")],
    [("A", "Hey {B}, do you have a minute?")], [("A", "{B}, I have a question.")], [("A", "Good morning, {B}.")],
    [("A", "Sorry to bother you, {B}.")], [("A", "Are you there, {B}?"), ("B", "Yes.")],
]
GREETINGS_BY_B = [
    [("B", "Hi {A}, what is up?"), ("A", "Hi {B}.")], [("B", "Hello {A}, you called me?"), ("A", "Yes, {B}.")],
    [("B", "I met {C}, who says hello to you."), ("A", "How nice, {B}!")],
    [("B", "{A}, you wanted to talk to me?"), ("A", "Thanks for calling, {B}.")],
]

# How day, hour and place are settled; p and q are the two speakers in either order. No line holds all three.
ARRANGEMENTS = [
    [("p", "When and where?"), ("q", "On {day} at {hour}."), ("p", "Fine. I will come to {place}.")],
    [("p", "What about {day} at {hour}?"), ("q", "Good. I will be at {place}.")],
    [("p", "Which day suits you?"), ("q", "I am free on {day}."), ("p", "Then at {hour} at {place}.")],
    [("p", "Can you come to {place}?"), ("q", "Yes, on {day}."), ("p", "Let us say at {hour}.")],
    [("p", "Where shall we meet?"), ("q", "At {place}, that is near my flat."), ("p", "I can be there on {day} at {hour}.")],
    [("p", "I am at {place} on {day} anyway."), ("q", "At {hour}?"), ("p", "Perfect.")],
]
CORRECTED_ARRANGEMENTS = [
    [("p", "Shall we say {day} at {bad_hour}?"), ("q", "I cannot make it by then. Better at {hour}."), ("p", "Come to {place}.")],
    [("p", "At {place} at {bad_hour}?"), ("q", "That does not suit me, at {hour} please."), ("p", "Then see you on {day}.")],
    [("p", "Let us meet at {bad_place} on {day}."), ("q", "It is closed then. Let us take {place}."), ("p", "Right, at {hour}.")],
    [("p", "At {bad_place}?"), ("q", "No, that is too far. I prefer {place}."), ("p", "Then on {day} at {hour}.")],
    [("p", "Are you free on {bad_day}?"), ("q", "No, I am seeing {C} that day, but {day} works."), ("p", "At {hour} at {place}, then.")],
    [("p", "I could do {bad_day} or {day}."), ("q", "Not {bad_day}, please."), ("p", "Then at {hour}, at {place}.")],
    [("p", "{C} said it is at {bad_hour} on {day}."), ("q", "No, {C} got it wrong, it is at {hour}."), ("p", "And at {place}?"), ("q", "Yes.")],
]
TOLD = [
    [("B", "When is it?"), ("A", "On {day} at {hour}."), ("B", "And where?"), ("A", "At {place}.")],
    [("A", "It is at {place} on {day}."), ("B", "What time does it begin?"), ("A", "At {hour}.")],
    [("B", "Is it at {bad_place} again?"), ("A", "No, this year at {place}."), ("B", "When?"), ("A", "On {day} at {hour}.")],
    [("B", "{C} told me it is on {bad_day}."), ("A", "No, on {day} at {hour}."), ("B", "I will come to {place} then.")],
    [("B", "Does it begin at {bad_hour}?"), ("A", "No, at {hour} on {day}. Come to {place}.")],
]
AGREED_BEFORE = [
    [("B", "You mean on {day} at {hour}?"), ("A", "Yes, at {place}.")],
    [("A", "I mean the one at {place} on {day}."), ("B", "The one at {hour}? I understand.")],
    [("B", "Which one, on {bad_day}?"), ("A", "No, on {day} at {hour}."), ("B", "I will not go to {place} then.")],
    [("B", "At {bad_place}?"), ("A", "No, at {place} on {day}."), ("B", "At {hour}, I remember.")],
    [("A", "We said {day} at {hour}."), ("B", "I will ask {C} to come with me to {place} instead.")],
]

# What people say beside the point: the longest line of most dialogues, often with a name, a day or a time that counts for nothing.
SMALL_TALK = [
    "I slept badly, the people upstairs were dancing until three in the morning.",
    "It has been raining all week, so I stayed at home and read the book that {C} gave me.",
    "By the way, {C} has a new job and wants to move to the coast in spring.",
    "I had such a long day, first the bus was late, and then I lost my keys.",
    "My phone is almost empty, so do not wonder if I am gone all of a sudden.",
    "Since {C} moved away there is hardly anybody here who has time for such things.",
    "You will laugh, but I was just looking for your number on my phone.",
    "I spent last {bad_weekday} with {C} and we talked until late at night.",
    "My sister is coming to stay for a week, so the house is upside down.",
    "I have started to learn the trumpet, and the neighbours are not too happy about it.",
    "The doctor told me to walk more and to worry less, so I am outside every day.",
    "They have been digging up our street since last {bad_weekday}, and it is so loud.",
]

CLOSINGS = [
    [], [], [], [], [("q", "See you then!")], [("q", "Thank you so much.")], [("q", "I have to run, {C} is waiting.")],
    [("p", "Say hello to {C} from me.")],
]
CANCEL_CLOSINGS = [
    [], [], [("A", "Thank you for understanding.")], [("B", "Take care!")], [("B", "I will tell {C}, who wanted to come, too.")],
]
